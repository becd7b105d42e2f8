package launch

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

var stopSignals = []os.Signal{os.Interrupt}

func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

func exists(pid int) bool { return startTime(pid) != "" }

// startTime is the creation time of a running process.
func startTime(pid int) string {
	handle, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(handle)
	if event, err := windows.WaitForSingleObject(handle, 0); err != nil || event == windows.WAIT_OBJECT_0 {
		return ""
	}
	var created, ended, kernel, user windows.Filetime
	if windows.GetProcessTimes(handle, &created, &ended, &kernel, &user) != nil {
		return ""
	}
	return strconv.FormatInt(created.Nanoseconds(), 10)
}

func terminate(keeper, program identity) {
	if program.alive() {
		windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(keeper.PID)) //nolint:errcheck // the kill follows
	}
}

func killTree(_, program identity) {
	if program.alive() {
		exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(program.PID)).Run() //nolint:errcheck // already gone
	}
}

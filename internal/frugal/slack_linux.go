package frugal

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// slack is how much later than asked for the system may wake a thread of the server. Go's
// own watcher sleeps for 20 µs at a time while anything runs, and would be woken every 70 µs.
const slack = 4 * time.Millisecond

// relaxed marks that the program was started anew, so that it is not done twice where the
// system forgets the slack.
const relaxed = "USHER_INTERNAL_RELAXED"

// Relax gives all threads of the process a timer slack of a few milliseconds. They inherit it from
// the thread that starts them, and Go's watcher is started before any code of ours, so the
// program is begun anew in the same process, before it has opened anything. It returns in
// the program that was begun anew, or when nothing could be done.
func Relax() {
	if os.Getenv(relaxed) != "" {
		_ = os.Unsetenv(relaxed)
		return
	}
	program, err := os.Executable()
	if err != nil {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	had, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || had >= int(slack) || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) != nil {
		return
	}
	_ = syscall.Exec(program, os.Args, append(os.Environ(), relaxed+"=1")) // else it goes on as it is
}

//go:build unix && !linux

package launch

import (
	"os/exec"
	"strconv"
	"strings"
)

func startTime(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// everyProcess takes the process group for the session, which ps can't tell everywhere:
// the keeper leads both.
func everyProcess() []stat {
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,pgid=,lstart=").Output()
	if err != nil {
		return nil
	}
	var all []stat
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		if err != nil {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		group, _ := strconv.Atoi(fields[2])
		all = append(all, stat{pid: pid, parent: parent, session: group, start: strings.Join(fields[3:], " ")})
	}
	return all
}

package testkit

import (
	"fmt"
	"testing"
	"time"
)

// UsherServerOnSlowDisk is UsherServer on a disk that takes its time for each fdatasync and
// fsync. It needs Linux: strace holds the system calls back.
func UsherServerOnSlowDisk(t testing.TB, takes time.Duration, args ...string) *Server {
	t.Helper()
	Program(t, "strace", "strace")
	hold := fmt.Sprintf("inject=fdatasync,fsync:delay_enter=%dus", takes.Microseconds())
	// The tracer is a process beside the server, which stays ours to kill.
	command := []string{"strace", "-D", "-f", "--seccomp-bpf", "-q", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", hold, Usher(t), "server", "start"}
	s, err := startServer(t.Context(), t.TempDir(), nil, append(command, args...)...)
	return tended(t, s, err)
}

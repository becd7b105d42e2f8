//go:build unix

package process

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// CanWarm says whether interpreters can be kept warm on this system.
const CanWarm = true

// newLine is a connection whose other end an interpreter gets. It breaks when either dies.
func newLine() (ours net.Conn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // nobody else may inherit our end, or the line would not break
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(pair[0]), "line")
	theirs = os.NewFile(uintptr(pair[1]), "line of the interpreter")
	ours, err = net.FileConn(file)
	err = errors.Join(err, file.Close())
	if err != nil {
		theirs.Close() //nolint:errcheck // nobody has it yet
	}
	return ours, theirs, err
}

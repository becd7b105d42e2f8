package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/usherhq/usher/internal/cli"
)

// pidFile is where a process in the background is noted.
type pidFile string

func pidFileIn(home, what string) pidFile { return pidFile(filepath.Join(home, what+".pid")) }

// running returns the process of a server that runs, 0 when there is none. What a server
// that is gone left behind is removed.
func (f pidFile) running() (int, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, cli.Fail(cli.Failure, "cannot read the note of the process in the background: "+err.Error(), "check who may read %s", string(f))
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil && pid > 0 && isAlive(pid) {
		return pid, nil
	}
	return 0, f.remove()
}

func (f pidFile) write(pid int) error {
	if err := os.WriteFile(string(f), []byte(strconv.Itoa(pid)+"\n"), 0o600); err != nil {
		return cli.Fail(cli.Failure, "cannot note the process of the server: "+err.Error(), "check who may write to %s", filepath.Dir(string(f)))
	}
	return nil
}

func (f pidFile) remove() error {
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cli.Fail(cli.Failure, "cannot remove the note of a server that is gone: "+err.Error(), "remove %s yourself", string(f))
	}
	return nil
}

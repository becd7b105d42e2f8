package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/usherhq/usher/internal/lockfile"
)

// Keep is the keeper's whole life: it starts the program that launch.json in dir asks for,
// waits for it and writes down how it ended. It returns the exit code for our own process.
func Keep(dir string) int {
	// The program gets the signals; its keeper stays to see how it ends. Signals are caught,
	// not ignored, because ignoring would be inherited by the program.
	signal.Notify(make(chan os.Signal, 1), stopSignals...)
	root, err := os.OpenRoot(dir) // the directory, wherever it is moved
	if err != nil {
		return 1
	}
	defer root.Close()            //nolint:errcheck // the keeper is done
	exit := keep(root, os.Stdout) // a pipe to the worker that started the keeper
	exit.At = time.Now().UnixMilli()
	if err := writeJSON(root, exitFile, exit); err != nil {
		return 1
	}
	return 0
}

func keep(dir *os.Root, report io.Writer) Exit {
	cmd, files, err := program(dir)
	defer closeAll(files)
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return unstarted(err)
	}
	k := kept{Keeper: identify(os.Getpid()), Program: identify(cmd.Process.Pid)}
	if err := writeJSON(dir, processFile, k); err != nil {
		cmd.Process.Kill() //nolint:errcheck,gosec // a program nobody could find again must not run
		cmd.Wait()         //nolint:errcheck,gosec // it was killed
		return Exit{Code: -9, Error: err.Error()}
	}
	fmt.Fprintln(report, cmd.Process.Pid) //nolint:errcheck // the worker may be gone; the files say the same
	cmd.Wait()                            //nolint:errcheck,gosec // the state says it better
	return Exit{Code: exitCode(cmd.ProcessState)}
}

func program(dir *os.Root) (*exec.Cmd, []*os.File, error) {
	var s Spec
	if err := readJSON(dir, launchFile, &s); err != nil {
		return nil, nil, err
	}
	if len(s.Argv) == 0 {
		return nil, nil, errors.New("the command is empty")
	}
	out, err := appendTo(dir, OutFile)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(s.Argv[0], s.Argv[1:]...) //nolint:gosec // running what the job says is the point
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	if s.Dir != "" {
		cmd.Env = append(os.Environ(), "PWD="+s.Dir)
	}
	files := []*os.File{out}
	if s.HasLine {
		line := os.NewFile(3, "line")
		cmd.ExtraFiles, files = []*os.File{line}, append(files, line)
	}
	if s.Hold != "" {
		held, err := lockfile.Try(s.Hold, false)
		if err != nil {
			return nil, files, fmt.Errorf("hold %s: %w", s.Hold, err)
		}
		files = append(files, held)
	}
	if s.SplitStderr {
		errFile, err := appendTo(dir, ErrFile)
		if err != nil {
			return nil, files, err
		}
		cmd.Stderr, files = errFile, append(files, errFile)
	}
	return cmd, files, cmd.Err
}

func appendTo(dir *os.Root, name string) (*os.File, error) {
	return dir.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() //nolint:errcheck // the program has its own
	}
}

// unstarted gives a program that never ran the code a shell would have given it.
func unstarted(err error) Exit {
	code := 126
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		code = 127
	}
	return Exit{Code: code, Error: err.Error()}
}

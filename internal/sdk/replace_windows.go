package sdk

import (
	"errors"
	"os"
	"os/exec"

	"github.com/usherhq/usher/internal/cli"
)

// Replace runs a program to its end; it is told of Ctrl-C by the console itself.
func Replace(interpreter string, args, environ []string) error {
	cmd := exec.Command(interpreter, args[1:]...) //nolint:gosec,noctx // the user's own interpreter, which ends by itself
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = lastWins(environ), os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return cli.Quiet(cli.ExitCode(exit.ExitCode()))
	}
	if err != nil {
		return notStarted(interpreter, err)
	}
	return nil
}

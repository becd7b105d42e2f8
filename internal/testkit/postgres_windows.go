package testkit

import (
	"errors"
	"os/exec"
)

// The server is watched over by a Unix shell script.
func asUnprivileged(*exec.Cmd) error {
	return errors.New("tests with PostgreSQL run on Unix only")
}

func surrender(string) error { return nil }

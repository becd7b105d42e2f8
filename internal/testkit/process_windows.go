package testkit

import (
	"os"
	"os/exec"
)

const venvBin = "Scripts"

func ownGroup(*exec.Cmd) {}

// terminate kills: there is no polite signal for a process without a window.
func terminate(pid int) error { return killGroup(pid) }

func killGroup(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

package environment

import "os/exec"

// asGroup leaves the program as it is: here its children are not ended with it.
func asGroup(*exec.Cmd) {}

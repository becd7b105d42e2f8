// Command usher is the command line, the worker and the control plane in one
// program.
package main

import (
	"os"

	"github.com/usherhq/usher/commands"
	"github.com/usherhq/usher/internal/term"
)

func main() { os.Exit(commands.Main(os.Args[1:], term.System())) }

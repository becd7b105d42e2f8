//go:build !linux

package acceptance

import "github.com/rogpeppe/go-internal/testscript"

// tty needs the pseudo-terminals of Linux; scripts that use it say [linux].
func tty(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("tty works on Linux only: put [!linux] stop before it")
}

package frugal

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is also the program that TestRelax starts.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_RELAX") == "" {
		os.Exit(m.Run())
	}
	Relax()
	slacks := make(chan int)
	go func() { // on a thread that this program began
		had, _ := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		slacks <- had
	}()
	fmt.Println(<-slacks, os.Args[1:], os.Getenv("TEST_RELAX"), os.Getenv(relaxed))
}

func TestRelax(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "a", "b c")
	cmd.Env = append(os.Environ(), "TEST_RELAX=yes")
	out, err := cmd.CombinedOutput()
	if want := "4000000 [a b c] yes"; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%q (%v), want %q", out, err, want)
	}
}

package acceptance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/usherhq/usher/internal/testkit"
)

// word is a command of a script.
type word = func(ts *testscript.TestScript, neg bool, args []string)

func words(t *testing.T) map[string]word {
	t.Helper()
	return map[string]word{
		"usher":          func(ts *testscript.TestScript, neg bool, args []string) { runs(ts, neg, "usher", args) },
		"prefect":        func(ts *testscript.TestScript, neg bool, args []string) { runs(ts, neg, reference(ts), args) },
		"exits":          exits,
		"port":           port,
		"example":        example,
		"example-until":  exampleUntil,
		"example-parses": exampleParses,
		"server":         func(ts *testscript.TestScript, neg bool, args []string) { server(t, ts, neg, args) },
		"cloud":          playCloud,
		"tty":            tty,
		"python":         python,
		"keyring":        keyring,
		"shell":          shell,
	}
}

func runs(ts *testscript.TestScript, neg bool, program string, args []string) {
	switch err := ts.Exec(program, args...); {
	case err == nil && neg:
		ts.Fatalf("unexpected success")
	case err != nil && !neg:
		ts.Fatalf("unexpected failure: %v", err)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// example runs a line of a help in the shell that people use most.
func example(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: example 'usher noun verb'")
	}
	runs(ts, neg, "bash", []string{"-euc", args[0]})
}

// exampleUntil runs an example that goes on until it is interrupted: it waits for
// a text in what the command says, and interrupts it then.
func exampleUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: example-until text 'usher noun verb'")
	}
	home := ts.MkAbs(".")
	cmd := exec.Command("bash", "-euc", "exec "+args[1])
	cmd.Dir, cmd.Env = home, environ(ts)
	log := ts.MkAbs("example.log")
	_ = os.Remove(log) // what an earlier example said counts no more
	p, err := testkit.StartProcess(cmd, log)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), examplePatience) //nolint:usetesting // a script has no context
	defer cancel()
	err = testkit.Until(ctx, func() error {
		if !strings.Contains(p.Log(), args[0]) {
			return fmt.Errorf("it did not say %q", args[0])
		}
		return nil
	})
	p.Stop()
	ts.Logf("%s", p.Log())
	ts.Check(err)
	ts.Check(p.Err())
}

// examplePatience is how long an example may take to say what it is waited for.
const examplePatience = 30 * time.Second

// exampleParses checks the words of an example that needs something of the
// outside, such as a fixed port: that the command and its flags are there.
func exampleParses(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: example-parses 'usher noun verb'")
	}
	words, program, hasProgram := strings.Cut(args[0], " -- ")
	words += " --help"
	if hasProgram {
		words += " -- " + program
	}
	runs(ts, neg, "bash", []string{"-euc", words})
}

// port puts the number of a free port into variables.
func port(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: port NAME...")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Check(listener.Close())
	for _, name := range args {
		ts.Setenv(name, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
}

// environ is what the script's programs see; testscript keeps it to itself.
func environ(ts *testscript.TestScript) []string {
	names := []string{"PATH", "HOME", "WORK", "USHER_HOME", "PREFECT_HOME", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_CLOUD_API_URL", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "BROWSER", "TERM", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "PAGER", "USHER_PAGER", "PREFECT_SERVER_API_PORT", "PREFECT_CLI_WRAP_LINES", "PREFECT_CLI_COLORS", "PREFECT_CLI_PROMPT", "PREFECT_PROFILE"}
	var env []string
	for _, name := range names {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// server starts a server for this script and points the settings at it.
func server(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: server usher|reference [flags...]")
	}
	started, err := start(ts, args[0], args[1:])
	ts.Check(err)
	ts.Defer(func() {
		started.Stop()
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", started.URL, started.Log())
		}
	})
	ts.Setenv("SERVER", started.URL)
	ts.Setenv("PREFECT_API_URL", started.APIURL())
}

func start(ts *testscript.TestScript, kind string, args []string) (*testkit.Server, error) {
	home := ts.MkAbs("server-" + kind)
	ts.Check(ts.Exec("mkdir", "-p", home))
	ctx := context.Background() //nolint:usetesting // a script has no context
	if kind == "reference" {
		py, err := testkit.InstallReference(ctx)
		if err != nil {
			return nil, err
		}
		return testkit.StartReferenceServer(ctx, py, home, args...)
	}
	binary, err := exec.LookPath(ts.MkAbs("bin/usher"))
	if err != nil {
		return nil, err
	}
	return testkit.StartUsherServer(ctx, binary, home, args...)
}

// python puts a Python that has prefect in front of the PATH.
func python(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: python")
	}
	py, err := testkit.InstallReference(context.Background()) //nolint:usetesting // a script has no context
	ts.Check(err)
	ts.Setenv("PATH", ts.MkAbs("bin")+string(os.PathListSeparator)+py.Bin+string(os.PathListSeparator)+ts.Getenv("PATH"))
}

// keyring starts a session with a keyring, open, locked or stuck, for this script.
func keyring(ts *testscript.TestScript, neg bool, args []string) {
	state := testkit.KeyringOpen
	if len(args) == 1 {
		state = testkit.KeyringState(args[0])
	}
	if neg || len(args) > 1 {
		ts.Fatalf("usage: keyring [locked|stuck]")
	}
	dir, err := os.MkdirTemp("", "usher-session-*") // the path of a socket must be short
	ts.Check(err)
	session, err := testkit.StartKeyring(context.Background(), dir, state) //nolint:usetesting // a script has no context
	ts.Check(err)
	ts.Defer(func() {
		session.Close()
		_ = os.RemoveAll(dir)
	})
	for _, kv := range session.Environ {
		name, value, _ := strings.Cut(kv, "=")
		ts.Setenv(name, value)
	}
}

func reference(ts *testscript.TestScript) string {
	py, err := testkit.InstallReference(context.Background()) //nolint:usetesting // a script has no context
	ts.Check(err)
	return py.Prefect
}

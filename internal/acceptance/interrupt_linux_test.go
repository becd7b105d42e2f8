package acceptance

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/testkit"
)

// TestInterruptInEachPhase sends Ctrl-C while a command lists, follows, waits and changes many
// things. It ends with 130 and without a word of error, and asks the server for nothing more.
func TestInterruptInEachPhase(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	b := &both{env: server.Env(t.TempDir()), dir: t.TempDir(), bin: testkit.Usher(t)}
	b.usher(t, "work-pool", "create", "local", "--type", "process")
	b.usher(t, "deploy", "--all", "--prefect-file", b.copy(t, "prefect.yaml"))
	b.usher(t, "deployment", "schedule", "clear", "etl/nightly", "--yes")
	id := b.usher(t, "deployment", "run", "etl/nightly", "--start-in", "1h", "--quiet")
	for range 3 {
		b.usher(t, "deployment", "run", "etl/nightly", "--start-in", "1h", "--quiet")
	}
	for _, phase := range []struct {
		name, line string
		at         int // the request in which the interrupt comes; it is not answered
	}{
		{"list", "flow-run ls --limit 0", 1},
		{"list, as JSON", "flow-run ls --limit 0 -o json", 1},
		{"follow", "flow-run logs -f " + id, 2},
		{"wait", "flow-run watch " + id, 2},
		{"change", "flow-run cancel --deployment etl/nightly --yes", 3},
		{"before the change", "flow-run delete " + id + " --yes", 1},
	} {
		c := count(t, server)
		reached := make(chan struct{}, 100)
		c.hold = func(n int) {
			if n >= phase.at {
				reached <- struct{}{}
				<-t.Context().Done()
			}
		}
		cmd := exec.CommandContext(t.Context(), b.bin, strings.Fields(phase.line)...)
		cmd.Dir, cmd.Env = b.dir, append(b.env[:len(b.env):len(b.env)], "PREFECT_API_URL="+c.URL+"/api", "USHER_API_URL="+c.URL+"/api")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-reached
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("%s: %v, want exit code 130\n%s", phase.name, err, &errs)
		}
		if text := errs.String(); strings.Contains(text, "error") || strings.Contains(text, "goroutine") || strings.Contains(text, "canceled") {
			t.Errorf("%s says %q", phase.name, text)
		}
	}
	if b.usher(t, "flow-run", "inspect", id, "--jq", ".state_type") != "SCHEDULED" {
		t.Error("an interrupted command changed the run")
	}
}

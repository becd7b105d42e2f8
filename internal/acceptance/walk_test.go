package acceptance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/commands/alias"
	"github.com/usherhq/usher/internal/testkit"
)

// TestLinesDoTheSame runs what is typed with both command lines on the reference's server. A line
// ends well or ill with both, and leaves the same behind.
func TestLinesDoTheSame(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	text, err := os.ReadFile(filepath.Join("testdata", "walk", "lines.txt"))
	if err != nil {
		t.Fatal(err)
	}
	see := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if request, ok := strings.CutPrefix(line, "see "); ok {
			see = request
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		theirs, ours := w.theirs.does(t, line, see), w.ours.does(t, line, see)
		if theirs.failed != ours.failed {
			t.Errorf("%s: the reference fails: %t, usher: %t\n%s\n%s", line, theirs.failed, ours.failed, theirs.said, ours.said)
		}
		if diff := cmp.Diff(theirs.left, ours.left); diff != "" {
			t.Errorf("%s leaves (-reference +usher):\n%s", line, diff)
		}
	}
}

// walker is one of the two command lines with its own name for things.
type walker struct {
	name string
	dir  string
	url  string
	run  func(words []string) (said string, failed bool)
}

type walk struct{ theirs, ours *walker }

// done is what came of a line.
type done struct {
	said   string
	failed bool
	left   string // what the server says afterwards
}

func newWalk(t *testing.T) walk {
	t.Helper()
	server := testkit.ReferenceServer(t)
	b := newBoth(t, server.Env(t.TempDir()))
	template, err := os.ReadFile(filepath.Join("testdata", "walk", "template.json"))
	if err != nil {
		t.Fatal(err)
	}
	b.file(t, "template.json", string(template))
	w := walk{
		theirs: &walker{name: "theirs", dir: b.dir, url: server.APIURL(), run: b.session(t)},
		ours: &walker{name: "ourown", dir: b.dir, url: server.APIURL(), run: func(words []string) (string, bool) {
			out, err := b.run(t, words...)
			if err != nil {
				out = err.Error()
			}
			return out, err != nil
		}},
	}
	for _, one := range []*walker{w.theirs, w.ours} {
		one.prepare(t)
		b.file(t, one.name+".yaml", "name: "+one.name+"\ntrigger: {type: event, posture: Reactive, expect: [x], threshold: 1, within: 0}\nactions: [{type: do-nothing}]\n")
	}
	return w
}

// prepare makes the pool and the deployment that lines name.
func (w *walker) prepare(t *testing.T) {
	t.Helper()
	w.ask(t, `POST /work_pools/ {"name": "walkpool-{n}", "type": "process"}`)
	var flow struct{ ID string }
	if err := json.Unmarshal([]byte(w.ask(t, `POST /flows/ {"name": "flow-{n}"}`)), &flow, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	w.ask(t, `POST /deployments/ {"name": "dep", "flow_id": "`+flow.ID+`", "parameters": {"x": 1}, "job_variables": {"a": 1}, "enforce_parameter_schema": true,
		"parameter_openapi_schema": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}, "z": {}}}}`)
}

func (w *walker) fill(line string) string {
	return strings.NewReplacer("{n}", w.name, "{dir}", w.dir).Replace(line)
}

func (w *walker) does(t *testing.T, line, see string) done {
	t.Helper()
	words, err := alias.Split(w.fill(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	said, failed := w.run(words)
	return done{said: said, failed: failed, left: w.plain(w.ask(t, see))}
}

// ask sends a request of a method, a path and maybe a body, and returns the answer whatever it is.
func (w *walker) ask(t *testing.T, request string) string {
	t.Helper()
	parts := append(strings.SplitN(w.fill(request), " ", 3), "")
	req, err := http.NewRequestWithContext(t.Context(), parts[0], w.url+parts[1], strings.NewReader(parts[2]))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var (
	walkedID    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	walkedTime  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	walkedClock = regexp.MustCompile(`"(estimated_[a-z_]+)":-?[0-9.e-]+`)
	walkedNull  = regexp.MustCompile(`"deferred":false`) // what the reference's models fill in
)

// plain takes out of an answer what differs for each thing: its name, ids, and the times of today.
func (w *walker) plain(answer string) string {
	answer = walkedID.ReplaceAllString(strings.ReplaceAll(answer, w.name, "{n}"), "{id}")
	answer = walkedClock.ReplaceAllString(answer, `"$1":0`)
	answer = walkedNull.ReplaceAllString(answer, `"deferred":null`)
	answer = strings.ReplaceAll(answer, `"Late"`, `"Scheduled"`) // a run of the other may be late already
	return walkedTime.ReplaceAllStringFunc(answer, func(text string) string {
		at, err := time.Parse(time.RFC3339Nano, text)
		switch {
		case err != nil:
			return text
		case time.Until(at).Abs() < 48*time.Hour:
			return "{now}"
		}
		return at.UTC().Format(time.RFC3339Nano)
	})
}

// session runs lines with the reference one by one, in one process: its start takes seconds.
func (b *both) session(t *testing.T) func(words []string) (string, bool) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, b.py.Python, b.script(t, "reference.py"))
	cmd.Dir, cmd.Env, cmd.Stderr = b.dir, append(b.env, "COLUMNS=100000"), t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		_ = cmd.Wait() // it was ended
	})
	answers := bufio.NewReader(out)
	return func(words []string) (string, bool) {
		line, err := json.Marshal(words)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(in, "%s\n", line); err != nil {
			t.Fatal(err)
		}
		answer, err := answers.ReadBytes('\n')
		if err != nil {
			t.Fatalf("prefect %s: %v", words, err)
		}
		var said struct {
			Out  string `json:"out"`
			Code any    `json:"code"` // a text where a program exits with words
		}
		if err := json.Unmarshal(answer, &said); err != nil {
			t.Fatalf("prefect %s: %v", words, err)
		}
		return said.Out, said.Code != float64(0)
	}
}

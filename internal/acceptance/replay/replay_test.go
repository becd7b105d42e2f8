package replay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/acceptance/replay"
	"github.com/usherhq/usher/internal/testkit"
)

func TestAnswersAreTheReferences(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/*.http")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".http")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayScript(t, script, strings.TrimSuffix(script, ".http")+".golden")
		})
	}
}

func replayScript(t *testing.T, script, golden string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := replay.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	got := play(t, steps)
	if os.Getenv("USHER_REPLAY") == "record" && !t.Failed() {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	record, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v (USHER_REPLAY=record makes it)", err)
	}
	compare(t, steps, strings.Split(strings.TrimSpace(string(record)), "\n### "), got)
}

// compare reports each answer that differs, so that one run shows them all.
func compare(t *testing.T, steps []replay.Step, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d answers are recorded for %d requests (USHER_REPLAY=record makes a new record)", len(want), len(got))
	}
	unserved := 0
	for i := range got {
		if strings.Contains(got[i], "\n501\n") {
			unserved++
			continue
		}
		recorded := "### " + strings.TrimPrefix(strings.TrimSpace(want[i]), "### ")
		if steps[i].Differs != "" && os.Getenv("USHER_REPLAY") == "" {
			recorded, got[i] = onlyStatus(recorded, steps[i].OurStatus), onlyStatus(got[i], "")
		}
		if diff := cmp.Diff(recorded, got[i]); diff != "" {
			t.Errorf("%s (-reference +ours)\n%s", strings.SplitN(got[i], "\n", 2)[0], diff)
		}
	}
	if unserved > 0 {
		t.Logf("%d of %d requests are not served yet", unserved, len(got))
	}
}

// onlyStatus cuts the body off, and puts another status in if one is given.
func onlyStatus(answer, status string) string {
	lines := strings.SplitN(answer, "\n", 3)[:2]
	if status != "" {
		lines[1] = status
	}
	return strings.Join(lines, "\n")
}

// play makes the requests, and returns title, status and normal body of each.
func play(t *testing.T, steps []replay.Step) []string {
	p := newPlayer(t)
	answers := make([]string, 0, len(steps))
	for _, step := range steps {
		answer, err := p.play(t.Context(), step)
		if err != nil && !strings.Contains(answer, "\n501\n") {
			t.Errorf("%s %s: %v", step.Method, step.Path, err)
		}
		answers = append(answers, answer)
	}
	return answers
}

// player plays scripts and puts answers into words.
type player struct{ replay.Player }

// newPlayer plays to a server of its own.
func newPlayer(t *testing.T) *player {
	recording := os.Getenv("USHER_REPLAY") != ""
	return &player{replay.Player{API: server(t).APIURL(), Now: time.Now().UTC(), Patient: recording}}
}

func (p *player) play(ctx context.Context, step replay.Step) (string, error) {
	answer, missing := p.Play(ctx, step)
	if answer == nil {
		return "", missing
	}
	normal, err := replay.Text(answer.Body, p.Kept())
	text := fmt.Sprintf("### %s%s %s\n%d\n%s", title(step.Comment), step.Method, step.Path, answer.Status, normal)
	return strings.TrimSpace(text), errors.Join(missing, err)
}

func title(comment string) string {
	if comment == "" {
		return ""
	}
	return strings.TrimSpace(comment) + ": "
}

func server(t *testing.T) *testkit.Server {
	if os.Getenv("USHER_REPLAY") == "" {
		return testkit.UsherServer(t)
	}
	return testkit.ReferenceServer(t)
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := replay.Parse("# why\nPOST /a\n{\"x\":\n 1}\n=> a id\n<> 409 we refuse\n\n\nGET /b/$a\n<> other words\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []replay.Step{
		{
			Comment: "why ", Method: "POST", Path: "/a", Body: "{\"x\":\n 1}\n",
			Keep: map[string]string{"a": "id"}, OurStatus: "409", Differs: "we refuse",
		},
		{Method: "GET", Path: "/b/$a", Keep: map[string]string{}, Differs: "other words"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"GET", "GET /a\n=> a"} {
		if _, err := replay.Parse(bad); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestNormal(t *testing.T) {
	t.Parallel()
	got, err := replay.Text([]byte(`{"b":"at 2026-01-02T03:04:05.000600Z","a":["01a21079-f174-7791-ada4-a5fce3d88a00",1.0,12345678901234567890],
		"total_run_time":1.5,"estimated_run_time":0.0,"c":"01a21079-f174-7791-ada4-a5fce3d88a01"}`),
		map[string]string{"run": "01a21079-f174-7791-ada4-a5fce3d88a01"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "a": [
    "<id 1>",
    1.0,
    12345678901234567890
  ],
  "b": "at <time>",
  "c": "$run",
  "estimated_run_time": "<seconds>",
  "total_run_time": "<seconds>"
}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

package replay_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/acceptance/replay"
	"github.com/usherhq/usher/internal/testkit"
)

// TestEventsAreTheReferences plays the scripts of testdata/events and compares the events
// that the server emits on them with those of the reference: names, resources, related
// resources and payloads, not the order of those that happen at the same time. WAIT in a
// script waits until nothing more happens.
func TestEventsAreTheReferences(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/events/*.http")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".http"), func(t *testing.T) {
			t.Parallel()
			replayEvents(t, script, strings.TrimSuffix(script, ".http")+".golden")
		})
	}
}

func replayEvents(t *testing.T, script, golden string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := replay.Parse(strings.ReplaceAll(string(text), "\nWAIT\n", "\nWAIT .\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPlayer(t)
	for _, step := range steps {
		if step.Method == "WAIT" {
			p.wait(t)
			continue
		}
		answer, err := p.play(t.Context(), step)
		if err != nil || !answered.MatchString(answer) {
			t.Fatalf("%v\n%s", err, answer)
		}
	}
	p.wait(t)
	got := normalEvents(t, p)
	if os.Getenv("USHER_REPLAY") == "record" {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	record, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	compareEvents(t, strings.Split(strings.TrimSpace(string(record)), "\n\n"), got)
}

var answered = regexp.MustCompile(`(?m)^2\d\d$`)

func compareEvents(t *testing.T, want, got []string) {
	t.Helper()
	for _, e := range got {
		if i := slices.Index(want, e); i >= 0 {
			want = slices.Delete(want, i, i+1)
			continue
		}
		t.Errorf("the reference does not emit\n%s\n%s", e, cmp.Diff(nearest(want, e), e))
	}
	for _, e := range want {
		t.Errorf("we do not emit\n%s", e)
	}
}

// nearest is an event of the same name about the same resource, if there is one.
func nearest(list []string, e string) string {
	head, _, _ := strings.Cut(e, "\n")
	for _, other := range list {
		if strings.HasPrefix(other, head+"\n") {
			return other
		}
	}
	return ""
}

// quiet is how long nothing must happen: the reference stores events late and looks at
// automations every few seconds.
func quiet() time.Duration {
	if os.Getenv("USHER_REPLAY") == "" {
		return 300 * time.Millisecond
	}
	return 12 * time.Second
}

// wait waits until nothing more happens.
func (p *player) wait(t *testing.T) {
	t.Helper()
	seen, since := -1, time.Now()
	testkit.Eventually(t, time.Minute, func() error {
		if n := len(p.events(t)); n != seen {
			seen, since = n, time.Now()
		}
		if time.Since(since) < quiet() {
			return fmt.Errorf("%d events, and more may come", seen)
		}
		return nil
	})
}

// events reads what has happened.
func (p *player) events(t *testing.T) (all []jsontext.Value) {
	t.Helper()
	next := ""
	for {
		step := replay.Step{Method: http.MethodPost, Path: "/events/filter", Body: `{"filter":{"order":"ASC","occurred":{"since":"2020-01-01T00:00:00Z","until":"2099-01-01T00:00:00Z"}},"limit":50}`}
		if next != "" {
			step = replay.Step{Method: http.MethodGet, Path: strings.TrimPrefix(next, p.API)}
		}
		answer, err := p.Play(t.Context(), step)
		if err != nil {
			t.Fatal(err)
		}
		text := answer.Body
		var page struct {
			Events []jsontext.Value `json:"events"`
			Next   *string          `json:"next_page"`
		}
		if err := json.Unmarshal(text, &page); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, page.Events...)
		if page.Next == nil {
			return all
		}
		next = *page.Next
	}
}

// sortFields sorts the names of changed fields, which the reference tells in any order.
func sortFields(t *testing.T, payload jsontext.Value) jsontext.Value {
	t.Helper()
	var members map[string]jsontext.Value
	if err := json.Unmarshal(payload, &members); err != nil {
		t.Fatal(err)
	}
	var fields []string
	if json.Unmarshal(members["updated_fields"], &fields) != nil || len(fields) == 0 {
		return payload
	}
	slices.Sort(fields)
	sorted, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	members["updated_fields"] = sorted
	if payload, err = json.Marshal(members, json.Deterministic(true)); err != nil {
		t.Fatal(err)
	}
	return payload
}

// invented is a name that the server made up.
var invented = regexp.MustCompile(`("prefect.resource.name": )"[a-z]+-[a-z]+"`)

// normalEvents are the events without what differs from one play to the next; the first
// line names the event and its resource.
func normalEvents(t *testing.T, p *player) (out []string) {
	t.Helper()
	for _, raw := range p.events(t) {
		var e map[string]jsontext.Value
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		follows := string(e["follows"]) != "null"
		for _, name := range []string{"id", "follows", "received", "occurred"} {
			delete(e, name)
		}
		head := string(e["event"])
		e["payload"] = sortFields(t, e["payload"])
		text, err := json.Marshal(e, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		normal, err := replay.Text(text, p.Kept())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s, follows another: %v\n%s", head, follows, invented.ReplaceAllString(normal, `$1"<name>"`)))
	}
	slices.Sort(out)
	return out
}

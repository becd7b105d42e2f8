package trigger_test

import (
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/rules/filter"
	"github.com/usherhq/usher/internal/rules/trigger"
)

// stream is what the reference made of events; testdata/record.py writes it.
type stream struct {
	Trigger jsontext.Value `json:"trigger"`
	Steps   []step         `json:"steps"`
}

// step is an event at a time, or a look at proactive triggers. Times are in seconds.
type step struct {
	Turn     *float64              `json:"turn"`
	Next     []float64             `json:"next"` // when each proactive trigger wants to look again
	Now      float64               `json:"now"`
	Occurred float64               `json:"occurred"`
	Event    string                `json:"event"`
	Resource api.Resource          `json:"resource"`
	Related  []api.RelatedResource `json:"related"`
	Fired    []fired               `json:"fired"`
}

// fired tells a firing by the place of its trigger in the tree and the step of its event.
type fired struct {
	Trigger int               `json:"t"`
	Labels  map[string]string `json:"labels"`
	Event   *int              `json:"event"`
	Of      []fired           `json:"of"`
}

func TestTriggersFireAsTheReferences(t *testing.T) {
	t.Parallel()
	streams := load[stream](t, "streams")
	firings := 0
	for i, s := range streams {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := start(t, s.Trigger)
			for n := range s.Steps {
				got := r.step(n, &s.Steps[n])
				firings += len(got)
				if diff := cmp.Diff(s.Steps[n].Fired, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("step %d of %s (-reference +ours):\n%s", n, s.Trigger, diff)
				}
			}
		})
	}
	if firings < 1000 {
		t.Errorf("only %d firings were compared", firings)
	}
}

// replay evaluates one stream.
type replay struct {
	t      *testing.T
	book   *trigger.Book
	leaves []*trigger.Trigger
	index  *trigger.Index
	number map[uuid.UUID]int
	now    time.Time
	steps  map[uuid.UUID]int // by the ids of events
}

var beginning = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func after(seconds float64) time.Time {
	return beginning.Add(time.Duration(math.Round(seconds*1e6)) * time.Microsecond)
}

func start(t *testing.T, raw jsontext.Value) *replay {
	t.Helper()
	parsed, problems := automation.ReadTrigger(raw, uuid.New)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	compiled, err := trigger.Compile(uuid.UUID{1}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{t: t, leaves: compiled.Leaves(), number: map[uuid.UUID]int{}, steps: map[uuid.UUID]int{}}
	r.index = trigger.NewIndex(r.leaves)
	r.count(parsed)
	r.book = &trigger.Book{
		NewID: uuid.New, Now: r.tick, Buckets: map[trigger.Place]*trigger.Bucket{}, Children: map[uuid.UUID][]*trigger.Firing{},
	}
	return r
}

func (r *replay) count(t *automation.Trigger) {
	r.number[t.ID] = len(r.number)
	for i := range t.Triggers {
		r.count(&t.Triggers[i])
	}
}

func (r *replay) tick() api.Time {
	r.now = r.now.Add(time.Microsecond)
	return api.At(r.now)
}

// pass lets time go by; never back, though many steps are at the same second.
func (r *replay) pass(seconds float64) {
	if to := after(seconds); to.After(r.now) {
		r.now = to
	}
}

func (r *replay) step(n int, s *step) (out []fired) {
	r.book.Fired = nil
	if s.Turn != nil {
		r.pass(*s.Turn)
		r.turn(n, s)
	} else {
		r.pass(s.Now)
		e := &api.ReceivedEvent{
			ID: uuid.New(), Occurred: api.At(after(s.Occurred)), Received: api.At(after(s.Now)), Event: s.Event, Resource: s.Resource, Related: s.Related,
		}
		r.steps[e.ID] = n
		for _, t := range r.index.Covering(e) {
			r.book.React(t, e)
		}
	}
	for _, f := range r.book.Fired {
		out = append(out, r.describe(f))
	}
	return out
}

func (r *replay) turn(n int, s *step) {
	var next []float64
	for _, t := range r.leaves {
		if t.IsProactive() {
			now := after(*s.Turn)
			r.book.Begin(t, now)
			next = append(next, r.book.Turn(t, now).Sub(beginning).Seconds())
		}
	}
	if diff := cmp.Diff(s.Next, next, cmpopts.EquateEmpty(), cmpopts.EquateApprox(0, 1e-4)); diff != "" {
		r.t.Errorf("step %d: when to look again (-reference +ours):\n%s", n, diff)
	}
}

func (r *replay) describe(f *trigger.Firing) fired {
	out := fired{Trigger: r.number[f.By], Labels: f.Labels}
	if f.Event != nil {
		n := r.steps[f.Event.ID]
		out.Event = &n
	}
	for _, of := range f.Firings {
		out.Of = append(out.Of, r.describe(of))
	}
	slices.SortFunc(out.Of, func(a, b fired) int { return a.Trigger - b.Trigger })
	return out
}

func TestPatternsMatchAsTheReferences(t *testing.T) {
	t.Parallel()
	for _, v := range load[[4]jsontext.Value](t, "names") {
		var pattern, name string
		var matches, covers bool
		for i, into := range []any{&pattern, &name, &matches, &covers} {
			if err := json.Unmarshal(v[i], into); err != nil {
				t.Fatal(err)
			}
		}
		if got := filter.MatchesPattern(pattern, name); got != matches {
			t.Errorf("%q matches %q: %v", pattern, name, got)
		}
		raw, err := json.Marshal(map[string]any{"type": "event", "posture": "Reactive", "expect": []string{pattern}})
		if err != nil {
			t.Fatal(err)
		}
		leaf := start(t, raw).leaves[0]
		e := &api.ReceivedEvent{Event: name, Resource: api.Resource{"prefect.resource.id": "x"}}
		if got, want := leaf.Covers(e), covers && filter.Glob(pattern, name); got != want {
			t.Errorf("%q covers %q: %v", pattern, name, got)
		}
	}
}

func load[T any](t *testing.T, name string) (out []T) {
	t.Helper()
	packed, err := os.Open("testdata/" + name + ".json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.UnmarshalRead(plain, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

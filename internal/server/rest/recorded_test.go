package rest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
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

	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// TestAnswersAsTheReference replays the requests of testdata/recorded and compares the
// answers with those that testdata/record.py got from the reference. A step that differs
// on purpose says why in "differs" and what we answer in "ours".
func TestAnswersAsTheReference(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/recorded/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			storetest.RunURL(t, func(t *testing.T, database string) {
				replay(t, startServer(t, database), readSteps(t, file))
			})
		})
	}
}

// step is a request with the reference's answer.
type step struct {
	Do      string            `json:"do"`
	Send    jsontext.Value    `json:"send,omitzero"`
	Keep    map[string]string `json:"keep,omitzero"`
	Status  int               `json:"status"`
	Answer  jsontext.Value    `json:"answer,omitzero"`
	Differs string            `json:"differs,omitzero"`
	Ours    *struct {
		Status int            `json:"status"`
		Answer jsontext.Value `json:"answer,omitzero"`
	} `json:"ours,omitzero"`
}

func readSteps(t *testing.T, file string) (steps []step) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &steps); err != nil {
		t.Fatal(err)
	}
	return steps
}

// startServer serves on a database until the test ends.
func startServer(t testing.TB, database string) (url string) {
	t.Helper()
	return startServerWith(t, database, func(*server.Options) {})
}

func startServerWith(t testing.TB, database string, change func(*server.Options)) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	options := server.Options{
		Host: "127.0.0.1", Database: store.Config{URL: database},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Clock: time.Now,
		Keys: crypt.NewKeeper("", t.TempDir()),
	}
	change(&options)
	s, err := server.Open(ctx, options)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.URL() + "/api"
}

func replay(t *testing.T, url string, steps []step) {
	t.Helper()
	theirs, ours, kept := newMask(steps), newMask(steps), map[string]string{}
	for i, s := range steps {
		status, answer := ask(t, url, fill(s.Do, kept), fill(string(s.Send), kept))
		wantStatus, want := s.Status, s.Answer
		if s.Ours != nil {
			wantStatus, want = s.Ours.Status, s.Ours.Answer
		}
		if status != wantStatus {
			t.Errorf("step %d, %s: status %d, the reference's is %d\n%s", i, s.Do, status, wantStatus, answer)
		}
		if diff := cmp.Diff(theirs.value(t, want), ours.value(t, answer)); diff != "" {
			t.Errorf("step %d, %s %s: the answers differ (-reference +ours):\n%s", i, s.Do, s.Send, diff)
		}
		for name, path := range s.Keep {
			kept[name] = pick(t, answer, path)
		}
	}
}

func fill(text string, kept map[string]string) string {
	for name, value := range kept {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

func ask(t testing.TB, url, do, body string) (int, jsontext.Value) {
	t.Helper()
	method, path, _ := strings.Cut(do, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 0 && !jsontext.Value(text).IsValid() {
		text, err = json.Marshal(string(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text
}

func pick(t testing.TB, answer jsontext.Value, path string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(answer, &value); err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(v) {
				t.Fatalf("no %s in %s", path, answer)
			}
			value = v[i]
		}
	}
	return fmt.Sprint(value)
}

// mask takes out of answers what is never the same twice: ids, moments, random names and
// durations. The nth id that comes up is the same id on both sides.
type mask struct {
	ids   map[string]string
	given string // all that the requests say
}

func newMask(steps []step) *mask {
	var given bytes.Buffer
	for _, s := range steps {
		given.Write(s.Send)
	}
	return &mask{ids: map[string]string{}, given: given.String()}
}

var (
	anID    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aMoment = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)
	aName   = regexp.MustCompile(`^[a-z]+-[a-z]+$`)
	aLength = regexp.MustCompile(`^(total_run_time|estimated_run_time|estimated_start_time_delta|duration|lateness|delay_seconds|sum_estimated_\w+|time_in_current_state)$`)
)

func (m *mask) value(t *testing.T, text jsontext.Value) any {
	t.Helper()
	if len(text) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return m.walk("", v)
}

func (m *mask) walk(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		return m.object(v)
	case []any:
		for i := range v {
			v[i] = m.walk(key, v[i])
		}
		if key == "pause_keys" { // a set
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	case string:
		return m.text(key, v)
	case float64:
		if aLength.MatchString(key) {
			return "<seconds>"
		}
	}
	return v
}

// object walks the members in a fixed order, so that ids come up in the same one.
func (m *mask) object(object map[string]any) any {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	out := make(map[string]any, len(object))
	sortByID(names)
	for _, name := range names {
		value := m.walk(name, object[name])
		out[m.text("", name)] = value
	}
	return out
}

func (m *mask) text(key, s string) string {
	switch {
	case aMoment.MatchString(s) && !strings.HasPrefix(s, "2020") && !strings.HasPrefix(s, "2030"):
		return "<moment>"
	case key == "next_page":
		return "<page>"
	case key == "name" && aName.MatchString(s) && !strings.Contains(m.given, `"`+s+`"`):
		return "<name>"
	}
	return anID.ReplaceAllStringFunc(s, func(id string) string {
		if m.ids[id] == "" {
			m.ids[id] = fmt.Sprintf("<id %d>", len(m.ids)+1)
		}
		return m.ids[id]
	})
}

// sortByID puts "id" first and keeps the others by name.
func sortByID(names []string) {
	less := func(a, b string) int {
		if (a == "id") != (b == "id") {
			if a == "id" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	}
	slices.SortFunc(names, less)
}

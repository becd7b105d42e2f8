package contract

import (
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/acceptance/replay"
)

// Exchange is a request with the answer that it got.
type Exchange struct {
	Operation string            `json:"operation,omitzero"`
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Body      string            `json:"body,omitzero"`
	Keep      map[string]string `json:"keep,omitzero"`
	Ordered   bool              `json:"ordered,omitzero"` // as replay.Step has it
	Status    int               `json:"status"`
	Kind      string            `json:"kind,omitzero"` // of the content, where it is no JSON
	Answer    jsontext.Value    `json:"answer,omitzero"`
	// Raw is the answer as it came; it is not recorded.
	Raw []byte `json:"-"`
}

// Play makes the requests of a sequence to a server, and returns them with its answers in
// their normal form.
func Play(ctx context.Context, p *replay.Player, steps []replay.Step) ([]Exchange, error) {
	out := make([]Exchange, 0, len(steps))
	for i, step := range steps {
		answer, err := p.Play(ctx, step)
		if answer == nil {
			return nil, fmt.Errorf("request %d, %s %s: %w", i, step.Method, step.Path, err)
		}
		x := Exchange{Operation: strings.TrimSpace(step.Comment), Method: step.Method, Path: step.Path, Body: step.Body, Keep: step.Keep, Ordered: step.Ordered, Status: answer.Status, Raw: answer.Body}
		if kind := answer.Header.Get("Content-Type"); kind != "application/json" && len(answer.Body) > 0 {
			x.Kind = kind
		}
		x.Answer, err = normal(path.Base(step.Path), answer.Body, p.Kept(), unordered(step))
		if err != nil {
			return nil, fmt.Errorf("request %d, %s %s: %w", i, step.Method, step.Path, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// Steps are the requests of a recording.
func Steps(recording []Exchange) []replay.Step {
	steps := make([]replay.Step, len(recording))
	for i, x := range recording {
		steps[i] = replay.Step{Comment: x.Operation, Method: x.Method, Path: x.Path, Body: x.Body, Keep: x.Keep, Ordered: x.Ordered}
	}
	return steps
}

// Save writes a recording, compressed.
func Save(path string, recording []Exchange) error { return save(path, recording) }

// Load reads what Save wrote.
func Load(path string) ([]Exchange, error) { return load[[]Exchange](path) }

func save(path string, recording any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(z, recording, json.Deterministic(true)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}

func load[T any](path string) (recording T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return recording, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return recording, err
	}
	return recording, json.UnmarshalRead(z, &recording)
}

// unordered says that the answer lists objects in an order that ids or the clock decide.
func unordered(step replay.Step) bool {
	if step.Ordered {
		return false
	}
	if strings.Contains(step.Path, "get_scheduled_flow_runs") || strings.HasSuffix(step.Path, "/get_runs") {
		return true
	}
	if strings.Contains(step.Path, "/bulk_") || strings.HasPrefix(step.Path, "/block_capabilities") {
		return true
	}
	if !strings.Contains(step.Path, "filter") && !strings.HasSuffix(step.Path, "/paginate") && !strings.Contains(step.Path, "history") {
		return false
	}
	return !strings.Contains(step.Body, `"sort":"NAME_`)
}

var (
	anID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aBareID  = regexp.MustCompile(`\b[0-9a-f]{32}\b|\b[0-9a-f]{64}\b`)
	aMoment  = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`)
	aSlug    = regexp.MustCompile(`^[a-z]+-[a-z]+$`)
	measured = []string{
		"total_run_time", "estimated_run_time", "estimated_start_time_delta", "delay_seconds", "lateness", "time_in_current_state",
		"sum_estimated_run_time", "sum_estimated_lateness", "avg_slot_occupancy_seconds",
	}
)

// masker replaces what differs from one play to the next.
type masker struct {
	names map[string]string // of ids
	count int
	loose bool // ids are not told apart
	// series is what ids are numbered in, "id" if it is empty.
	series string
}

// normal is the normal form of an answer: sorted members, known ids by the name of their
// variable and others numbered, moments near the clock hidden.
func normal(member string, body []byte, variables map[string]string, unordered bool) (jsontext.Value, error) {
	if len(body) == 0 {
		return nil, nil
	}
	m := masker{names: map[string]string{}}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(variables))) { // of two names of one object the first
		m.names[variables[name]] = "$" + name
	}
	var tree any
	if err := json.Unmarshal(body, &tree, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return json.Marshal(m.text("", string(body)))
	}
	if unordered {
		m.sortLists(tree)
	}
	return json.Marshal(m.walk(member, tree), json.Deterministic(true))
}

// sortLists puts the lists of objects at the top in an order that does not depend on ids.
func (m *masker) sortLists(tree any) {
	if object, ok := tree.(map[string]any); ok {
		m.sortLists(object["results"])
		m.sortLists(object["deleted"])
	}
	list, ok := tree.([]any)
	if !ok {
		return
	}
	loose := masker{names: m.names, loose: true}
	key := func(v any) string {
		text, _ := json.Marshal(v) //nolint:errcheck // it came from JSON
		var copied any
		_ = json.Unmarshal(text, &copied)
		text, _ = json.Marshal(loose.walk("", copied), json.Deterministic(true)) //nolint:errcheck // the same
		return string(text)
	}
	slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(key(a), key(b)) })
}

func (m *masker) walk(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range sorted(v) {
			out[m.text("", key)] = m.walk(key, v[key])
		}
		return out
	case []any:
		for i := range v {
			v[i] = m.walk(name, v[i])
		}
		if name == "capabilities" { // the reference keeps those of its own blocks in any order
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case string:
		return m.text(name, v)
	case float64:
		if slices.Contains(measured, name) || name == "duration" && v != math.Trunc(v) { // of what still runs
			return "<seconds>"
		}
	}
	return v
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (m *masker) text(name, text string) string {
	if (name == "name" || name == "flow_run_name") && aSlug.MatchString(text) && !strings.HasPrefix(text, "g-") && !strings.HasPrefix(text, "h-") && !strings.HasPrefix(text, "i-") && text != "default-agent-pool" {
		return "<name>"
	}
	text = anID.ReplaceAllStringFunc(text, m.id)
	text = aBareID.ReplaceAllStringFunc(text, m.id)
	return aMoment.ReplaceAllStringFunc(text, moment)
}

func (m *masker) id(id string) string {
	if id == unknownID {
		return id
	}
	if name, known := m.names[id]; known {
		return name
	}
	if m.loose {
		return "<id>"
	}
	m.count++
	m.names[id] = fmt.Sprintf("<%s %d>", cmp.Or(m.series, "id"), m.count)
	return m.names[id]
}

// moment hides times that may come from the clock, and keeps those of requests.
func moment(text string) string {
	at, err := time.Parse("2006-01-02", text[:10])
	if err == nil && (at.Year() <= 2022 || at.Year() >= 2090) {
		return text
	}
	return "<time>"
}

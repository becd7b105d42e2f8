package jinja_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// recorded is what the reference made of a template: see testdata/record.py.
type recorded struct {
	Template string  `json:"t"`
	Context  int     `json:"c"`
	Out      *string `json:"out"`
	Err      *struct {
		Kind, Message string
	} `json:"err"`
	Invalid *struct {
		Message string
		Line    int
	} `json:"invalid"`
}

func TestTemplatesRenderAsTheReferenceRenders(t *testing.T) {
	t.Parallel()
	rendersAsRecorded(t, "templates.jsonl.gz", differs)
}

// Each filter and each test that the reference knows makes the same of each kind of value.
func TestFiltersAndTestsAreTheReferences(t *testing.T) {
	t.Parallel()
	rendersAsRecorded(t, "names.jsonl.gz", differs)
}

// Templates that reach for what is inside of values, by every way that there is to a
// member, get as little of it as in the reference's sandbox.
func TestTemplatesStayInTheSandbox(t *testing.T) {
	t.Parallel()
	rendersAsRecorded(t, "escapes.jsonl.gz", func(c recorded, vars map[string]any, now time.Time) string {
		if _, err := jinja.Render(c.Template, vars, jinja.Env{Now: now}); c.Err != nil && err != nil {
			return "" // in whatever words
		}
		return differs(c, vars, now)
	})
}

func rendersAsRecorded(t *testing.T, file string, differs func(recorded, map[string]any, time.Time) string) {
	t.Helper()
	header, cases := readRecording(t, file)
	now, err := time.Parse(time.RFC3339Nano, header.Now)
	if err != nil {
		t.Fatal(err)
	}
	var contexts []map[string]any
	for _, raw := range header.Contexts {
		contexts = append(contexts, contextOf(t, raw, now))
	}
	for _, c := range cases {
		if problem := differs(c, contexts[c.Context], now); problem != "" {
			t.Errorf("%q (context %d): %s", c.Template, c.Context, problem)
		}
	}
}

// differs says how we treat a template otherwise than recorded.
func differs(c recorded, vars map[string]any, now time.Time) string {
	err := jinja.Validate(c.Template)
	var problem *jinja.Error
	errors.As(err, &problem)
	if c.Invalid != nil {
		switch {
		case problem == nil:
			return "is valid, want: " + c.Invalid.Message
		case problem.Message != c.Invalid.Message || problem.Line != c.Invalid.Line:
			return fmt.Sprintf("line %d: %s\nwant: line %d: %s", problem.Line, problem, c.Invalid.Line, c.Invalid.Message)
		}
		return ""
	}
	if err != nil {
		return "is invalid: " + err.Error()
	}
	out, err := jinja.Render(c.Template, vars, jinja.Env{Now: now})
	switch {
	case c.Err == nil && err != nil:
		return err.Error() + "\nwant: " + *c.Out
	case c.Err == nil && out != *c.Out:
		return "renders\n" + out + "\nwant\n" + *c.Out
	case c.Err != nil && err == nil:
		return "renders " + out + "\nwant: " + c.Err.Kind + " " + c.Err.Message
	case c.Err != nil && errors.As(err, &problem) && (problem.Kind != c.Err.Kind || c.Err.Message != "" && problem.Message != c.Err.Message):
		return problem.Kind + " " + problem.Message + "\nwant: " + c.Err.Kind + " " + c.Err.Message
	}
	return ""
}

type header struct {
	Now      string
	Contexts []json.RawMessage
}

func readRecording(t *testing.T, name string) (h header, cases []recorded) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unpacked)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if len(cases) < 3000 || lines.Err() != nil {
		t.Fatalf("read only %d cases: %v", len(cases), lines.Err())
	}
	return h, cases
}

// contextOf reads a context, and makes what its tags stand for.
func contextOf(t *testing.T, raw json.RawMessage, now time.Time) map[string]any {
	t.Helper()
	v, err := jinja.FromJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{}
	dict := v.(*jinja.Dict)
	for _, key := range dict.Keys() {
		value, _ := dict.Get(key)
		vars[key.(string)] = untag(value, now)
	}
	return vars
}

func untag(v any, now time.Time) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = untag(v[i], now)
		}
	case *jinja.Dict:
		for _, key := range v.Keys() {
			value, _ := v.Get(key)
			switch {
			case key == "$time":
				return now.Add(time.Duration(seconds(value) * float64(time.Second)))
			case key == "$span":
				return jinja.Duration(value.(int64))
			case key == "$uuid":
				return uuid.MustParse(value.(string))
			}
			v.Set(key, untag(value, now))
		}
	}
	return v
}

func seconds(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64)
}

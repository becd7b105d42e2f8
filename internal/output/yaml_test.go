package output

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/term"
)

func asYAML(tb testing.TB, document string) string {
	tb.Helper()
	var out bytes.Buffer
	p := &Printer{streams: term.New(nil, &out, &bytes.Buffer{}, func(string) (string, bool) { return "", false })}
	if err := p.yaml(jsontext.Value(document)); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// TestYAMLMeansTheSame: what is printed reads as the document, whatever its texts look like.
func TestYAMLMeansTheSame(t *testing.T) {
	t.Parallel()
	document := `{"a": ["yes", "no", "null", "~", "1", "1.0", "0x10", "1e3", "2026-01-01", "", " ", "a: b", "- c", "#d", "日本", "two\nlines", "tab\t", "\u0000\u001b[2J", "'", "\"", "&x", "*y", "!z", "@", "%", "{}", "[]"],
	 "numbers": [0, -1, 1.0, 1.5e300, 123456789012345678901234567890], "b": true, "n": null, "empty": [{}, [], ""], "1": {"null": {"true": 1}}}`
	var want, got any
	if err := yaml.Unmarshal([]byte(document), &want); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	printed := asYAML(t, document)
	if err := yaml.Unmarshal([]byte(printed), &got); err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	if diff := cmp.Diff(fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", got)); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, printed)
	}
	if strings.Index(printed, "numbers:") > strings.Index(printed, "empty:") || strings.Contains(printed, "\x1b") {
		t.Errorf("order or control characters:\n%s", printed)
	}
}

func BenchmarkYAML(b *testing.B) {
	run := `{"id": "01a22bdc-26b0-7baa-9768-eb6d38c7d751", "name": "curious-badger", "state": {"type": "COMPLETED", "details": {"a": null, "b": false, "c": null, "d": null}}, "tags": ["a"], "n": 1.5, "t": "2026-11-30T09:49:37.945000Z"}`
	document := "[" + strings.Repeat(run+",", 14*6) + run + "]"
	for b.Loop() {
		asYAML(b, document)
	}
}

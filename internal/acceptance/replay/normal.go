package replay

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	idPattern   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	timePattern = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`)
)

// measured are members whose value depends on the clock.
var measured = []string{"total_run_time", "estimated_run_time", "estimated_start_time_delta", "delay_seconds"}

// Text returns the normal form of an answer's body, in which everything is
// replaced that differs from one play to the next: ids become the name of the
// variable that holds them, or are numbered within the answer. JSON comes out
// indented, with sorted members and numbers as they were written.
func Text(body []byte, variables map[string]string) (string, error) {
	n := normal{ids: map[string]string{}}
	for name, id := range variables {
		n.ids[id] = "$" + name
	}
	return n.text(body)
}

// normal knows the placeholders of ids.
type normal struct {
	ids      map[string]string
	numbered int
}

func (n *normal) text(body []byte) (string, error) {
	if !jsontext.Value(body).IsValid() {
		return n.replace(string(body)), nil
	}
	var tree any
	if err := json.Unmarshal(body, &tree, keepNumbers); err != nil {
		return "", err
	}
	// Ids are numbered in the order of the sorted members, whatever the order
	// in which a server writes them.
	sorted, err := json.Marshal(tree, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(sorted, &tree, keepNumbers); err != nil {
		return "", err
	}
	out, err := json.Marshal(n.tree("", tree), json.Deterministic(true), jsontext.WithIndent("  "))
	return string(out), err
}

var keepNumbers = json.WithUnmarshalers(json.UnmarshalFromFunc(
	func(dec *jsontext.Decoder, v *any) error {
		if dec.PeekKind() != '0' {
			return errors.ErrUnsupported
		}
		raw, err := dec.ReadValue()
		*v = raw.Clone()
		return err
	},
))

func (n *normal) tree(name string, value any) any {
	switch v := value.(type) {
	case string:
		return n.replace(v)
	case jsontext.Value:
		if slices.Contains(measured, name) {
			return "<seconds>"
		}
		return v
	case []any:
		for i := range v {
			v[i] = n.tree(name, v[i])
		}
		return v
	case map[string]any:
		renamed := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			renamed[n.replace(key)] = n.tree(key, v[key])
		}
		return renamed
	default:
		return v
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (n *normal) replace(text string) string {
	text = idPattern.ReplaceAllStringFunc(text, n.id)
	return timePattern.ReplaceAllString(text, "<time>")
}

func (n *normal) id(id string) string {
	if _, known := n.ids[id]; !known {
		n.numbered++
		n.ids[id] = fmt.Sprintf("<id %d>", n.numbered)
	}
	return n.ids[id]
}

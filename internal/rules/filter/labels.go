package filter

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Labels selects resources by label: each label must be there and match one of its
// patterns. Patterns are globs; a leading ! negates. The zero value selects everything.
type Labels map[string][]string

// ParseLabels reads a selection as it stands in filters and triggers: an object whose
// values are a pattern or a list of patterns.
func ParseLabels(raw jsontext.Value) (Labels, error) {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return nil, nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "labels are an object of patterns: %w", err)
	}
	out := Labels{}
	for label, v := range members {
		var one string
		if json.Unmarshal(v, &one) == nil {
			out[label] = []string{one}
			continue
		}
		list := []string{}
		if err := json.Unmarshal(v, &list); err != nil {
			return nil, api.Errorf(api.CodeInvalid, "label %s must match a string or a list of strings", label)
		}
		out[label] = list
	}
	return out, nil
}

// Matches says whether labels are selected.
func (l Labels) Matches(labels map[string]string) bool {
	for label, patterns := range l {
		value, has := labels[label]
		if !has || !slices.ContainsFunc(patterns, func(p string) bool { return MatchesPattern(p, value) }) {
			return false
		}
	}
	return true
}

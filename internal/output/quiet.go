package output

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// identifying are the members that tell things of a kind apart, the best first.
var identifying = []string{"id", "name", "key"}

// Identifier is the member among fields that --quiet prints, "" if there is none.
func Identifier(fields []string) string {
	for _, name := range identifying {
		if slices.Contains(fields, name) {
			return name
		}
	}
	return ""
}

// identifiers prints what identifies the thing, or each of a list, one a line.
func (p *Printer) identifiers(document jsontext.Value) error {
	if document.Kind() == '[' {
		var items []jsontext.Value
		if err := json.Unmarshal(document, &items); err != nil {
			return fmt.Errorf("list the ids: %w", err)
		}
		for _, item := range items {
			if err := p.identifiers(item); err != nil {
				return err
			}
		}
		return nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(document, &members); err != nil {
		return fmt.Errorf("list the ids: %w", err)
	}
	for _, name := range identifying {
		if members[name].Kind() == '"' {
			var text string
			if err := json.Unmarshal(members[name], &text); err != nil {
				return fmt.Errorf("list the ids: %w", err)
			}
			return p.Line(text)
		}
	}
	return nil
}

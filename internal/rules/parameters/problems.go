package parameters

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// Problems says which placeholders in values can never be filled, whatever they are filled
// from: JSON and templates that are none. Each begins with the place, in the reference's
// words, and as there elements of lists are not looked at.
func Problems(values jsontext.Value) ([]string, error) {
	values, err := Upgrade(values)
	if err != nil || !HasPlaceholder(values) {
		return nil, err
	}
	tree, err := jsonschema.Parse(values)
	if err != nil {
		return nil, err
	}
	return problems(tree, "")
}

func problems(v any, at string) (found []string, _ error) {
	object, isObject := v.(*jsonschema.Object)
	if !isObject {
		return nil, nil
	}
	if _, isPlaceholder := object.Get(kindMember); isPlaceholder {
		_, _, err := hydrator{dry: true}.fill(object)
		var problem *HydrationError
		if errors.As(err, &problem) {
			if at != "" {
				at += ":"
			}
			return []string{at + " " + problem.Reason}, nil
		}
		return nil, err
	}
	for _, name := range object.Names() {
		member, _ := object.Get(name)
		below := name
		if at != "" {
			below = at + "." + name
		}
		more, err := problems(member, below)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// unfilled stands for what a placeholder would be filled with.
type unfilled struct{}

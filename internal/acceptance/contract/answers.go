package contract

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// Check says how an answer with 2xx departs from the contract's schema for it, "" when it
// does not. Other answers have shapes of their own, which are compared with the
// reference's.
func (d *Document) Check(x Exchange) (string, error) {
	op, known := d.operation(x.Operation)
	if !known || x.Status >= 300 || len(x.Raw) == 0 {
		return "", nil
	}
	answer, named := op.Answers[strconv.Itoa(x.Status)]
	if !named {
		answer = op.Answers["200"] // what is made answers 201, what was there 200
	}
	if len(answer) == 0 || x.Kind != "" {
		return "", nil
	}
	value, err := jsonschema.Parse(jsontext.Value(x.Raw))
	if err != nil {
		return "", err
	}
	root, err := d.root(answer)
	if err != nil {
		return "", err
	}
	found, err := (&jsonschema.Schema{Root: root}).Errors(value)
	if err != nil || len(found) == 0 {
		return "", err
	}
	best := jsonschema.Best(found)
	return fmt.Sprintf("%s: %s", best.JSONPath(), best.Message), nil
}

func (d *Document) operation(name string) (Operation, bool) {
	for _, op := range d.Operations {
		if op.String() == name {
			return op, true
		}
	}
	return Operation{}, false
}

// root is a schema as the validator reads it, with those that it refers to.
func (d *Document) root(s schema) (any, error) {
	tree, err := parsed(s)
	if err != nil {
		return nil, err
	}
	components, err := d.components()
	if root, isObject := tree.(*jsonschema.Object); isObject && err == nil {
		root.Set("components", components)
	}
	return tree, err
}

func parsed(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.Parse(text)
}

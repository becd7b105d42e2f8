package parameters

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// Report lists all that is wrong with values, each complaint at its place: below the
// property or the index that it is about. Placeholders that can't be filled are wrong;
// templates are taken as they are. A schema that leads nowhere is a *MismatchError.
func Report(values, schema jsontext.Value, variables map[string]jsontext.Value) (*api.SchemaValuesValidationResponse, error) {
	tree, err := jsonschema.Parse(values)
	if err != nil {
		return nil, err
	}
	root, err := jsonschema.Parse(schema)
	if err != nil {
		return nil, err
	}
	f := filler{hydrator: hydrator{Filling: Filling{Variables: variables}}, at: map[string]bool{}}
	tree, keep, err := f.fill(tree, nil)
	if err != nil {
		return nil, err
	}
	if !keep {
		tree = jsonschema.NewObject()
	}
	found, err := (&jsonschema.Schema{Root: prepared(root, Rule{})}).Errors(tree)
	var unresolved *jsonschema.UnresolvedError
	if errors.As(err, &unresolved) {
		return nil, &MismatchError{Reason: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	top := &complaints{}
	for _, e := range found {
		if !f.at[pathText(e.Path)] {
			top.add(placeOf(e), e.Message)
		}
	}
	for _, e := range f.found {
		top.add(e.Path, e.Message)
	}
	list, err := top.encode()
	return &api.SchemaValuesValidationResponse{Errors: list, Valid: len(list) == 0}, err
}

// placeOf is where an error is shown: that something is missing, where it should be.
func placeOf(e *jsonschema.Error) []any {
	if e.Keyword != "required" {
		return e.Path
	}
	name, _, _ := strings.Cut(e.Message, " ")
	return append(append([]any{}, e.Path...), strings.Trim(name, "'"))
}

func pathText(path []any) string { return fmt.Sprintf("%q", path) }

// filler fills placeholders where it can and notes where it can't, or need not.
type filler struct {
	hydrator
	at    map[string]bool // the places of which the schema says nothing
	found []*jsonschema.Error
}

func (f *filler) fill(v any, path []any) (filled any, keep bool, err error) {
	switch v := v.(type) {
	case *jsonschema.Object:
		if kind, is := v.Get(kindMember); is {
			return f.placeholder(kind, v, path)
		}
		out := jsonschema.NewObject()
		for _, name := range v.Names() {
			member, _ := v.Get(name)
			member, keep, err := f.fill(member, append(path[:len(path):len(path)], name))
			if err != nil {
				return nil, false, err
			}
			if keep {
				out.Set(name, member)
			}
		}
		return out, true, nil
	case []any:
		out := []any{}
		for i, item := range v {
			item, keep, err := f.fill(item, append(path[:len(path):len(path)], i))
			if err != nil {
				return nil, false, err
			}
			if keep {
				out = append(out, item)
			}
		}
		return out, true, nil
	}
	return v, true, nil
}

func (f *filler) placeholder(kind any, v *jsonschema.Object, path []any) (filled any, keep bool, err error) {
	if kind == "jinja" {
		f.at[pathText(path)] = true
		filled, keep, err = f.template(v)
	} else {
		filled, keep, err = f.hydrator.placeholder(kind, v)
	}
	var problem *HydrationError
	if errors.As(err, &problem) {
		f.at[pathText(path)] = true
		f.found = append(f.found, &jsonschema.Error{Path: path, Message: problem.Reason})
		return nil, true, nil
	}
	return filled, keep, err
}

// complaints are what is wrong with a value and with what is in it, in the order in which
// it was found.
type complaints struct{ list []complaint }

type complaint struct {
	text  string // about the value itself, or
	step  any    // the name or the index of what is in it
	below *complaints
}

func (c *complaints) add(path []any, text string) {
	if len(path) == 0 {
		c.list = append(c.list, complaint{text: text})
		return
	}
	if len(path) == 1 {
		c.list = append(c.list, complaint{step: path[0], below: &complaints{[]complaint{{text: text}}}})
		return
	}
	for _, known := range c.list {
		if known.below != nil && known.step == path[0] {
			known.below.add(path[1:], text)
			return
		}
	}
	below := &complaints{}
	c.list = append(c.list, complaint{step: path[0], below: below})
	below.add(path[1:], text)
}

func (c *complaints) encode() ([]jsontext.Value, error) {
	out := []jsontext.Value{}
	for _, one := range c.list {
		var v any = one.text
		if one.below != nil {
			below, err := one.below.encode()
			if err != nil {
				return nil, err
			}
			if i, is := one.step.(int); is {
				v = api.SchemaValueIndexError{Index: i, Errors: below}
			} else {
				v = api.SchemaValuePropertyError{Property: fmt.Sprint(one.step), Errors: below}
			}
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

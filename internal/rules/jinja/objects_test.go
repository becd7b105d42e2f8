package jinja_test

import (
	"errors"
	"testing"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// person is an Object as callers bring them.
type person struct{ name string }

func (p person) Member(name string) (any, bool) {
	switch name {
	case "name":
		return p.name, true
	case "greet":
		return jinja.Func(func(args []any, _ map[string]any) (any, error) {
			if len(args) == 0 {
				return nil, errors.New("greet whom with what?")
			}
			return args[0].(string) + " " + p.name, nil
		}), true
	}
	return nil, false
}

func (p person) String() string   { return "<" + p.name + ">" }
func (p person) TypeName() string { return "Person" }
func (p person) JSON() any        { return map[string]any{"name": p.name} }

func TestObjectsAreSeenThroughTheirMembers(t *testing.T) {
	t.Parallel()
	shout := jinja.Func(func(args []any, _ map[string]any) (any, error) { return args[0].(string) + "!", nil })
	env := jinja.Env{Filters: map[string]jinja.Func{"shout": shout}}
	vars := map[string]any{"p": person{"Ada"}, "n": 3, "list": []string{"a"}}
	for template, want := range map[string]string{
		"{{ p.name }} {{ p['name'] }} {{ p }}":       "Ada Ada <Ada>",
		"{{ p.greet('Hi') }}":                        "Hi Ada",
		"{{ p|tojson }}":                             `{"name": "Ada"}`,
		"{{ p.nope }}{{ p._secret }}":                "",
		"{{ p.name|shout }} {{ 'shout' is filter }}": "Ada! True",
		"{{ [p]|map(attribute='name')|join }}":       "Ada",
		"{{ n }} {{ list }}":                         "3 ['a']",
		"no template {# at all #}":                   "no template {# at all #}",
	} {
		if got, err := jinja.Render(template, vars, env); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", template, got, err, want)
		}
	}
	_, err := jinja.Render("{{ p.greet() }}", vars, env)
	if err == nil || err.Error() != "Failed to render template due to the following error: ValueError('greet whom with what?')" {
		t.Errorf("an error of a function: %v", err)
	}
	if _, err := jinja.Render("{{ 1|shout }}", vars, jinja.Env{}); err == nil {
		t.Error("a filter of another environment is known")
	}
}

package blockschema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/rules/secretref"
)

// obscured stands in for a secret.
var obscured = jsontext.Value(`"********"`)

// secretPaths lists the paths that a schema calls secret: a, a.b, and a.* for all below a.
func secretPaths(fields jsontext.Value) ([][]string, error) {
	t, err := parse(fields)
	if err != nil {
		return nil, fmt.Errorf("read the fields of a block schema: %w", err)
	}
	var paths [][]string
	if list := t.get("secret_fields"); list != nil {
		for i := range list.items {
			paths = append(paths, strings.Split(list.items[i].text(), "."))
		}
	}
	return paths, nil
}

// Obscure replaces the secrets of a document's data by asterisks. A null that a path
// without a wildcard leads to stays null.
func Obscure(data, fields jsontext.Value) (jsontext.Value, error) {
	paths, err := secretPaths(fields)
	if err != nil || len(paths) == 0 {
		return data, err
	}
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read the data of a block: %w", err)
	}
	for _, path := range paths {
		obscure(&t, path)
	}
	return t.value(), nil
}

// HoldsSecrets says whether a document's data has a value at a path that the schema calls
// secret.
func HoldsSecrets(data, fields jsontext.Value) (bool, error) {
	paths, err := secretPaths(fields)
	if err != nil || len(paths) == 0 {
		return false, err
	}
	t, err := parse(data)
	if err != nil {
		return false, fmt.Errorf("read the data of a block: %w", err)
	}
	return slices.ContainsFunc(paths, func(path []string) bool { return holds(&t, path) }), nil
}

// holds says whether a path leads to a value; null, and an object without members, is none.
func holds(t *tree, path []string) bool {
	switch {
	case t == nil:
		return false
	case len(path) > 0 && path[0] != "*":
		return holds(t.get(path[0]), path[1:])
	case len(t.members) == 1 && secretref.IsKind(t.members[0].name) && t.members[0].value.kind == '"':
		return false // it only says where the secret is
	case t.kind == '{':
		return slices.ContainsFunc(t.members, func(m member) bool { return holds(&m.value, nil) })
	}
	return t.kind != 'n'
}

func obscure(t *tree, path []string) {
	if path[0] == "*" {
		obscureBelow(t)
		return
	}
	child := t.get(path[0])
	switch {
	case child == nil:
	case len(path) > 1:
		obscure(child, path[1:])
	case child.kind != 'n':
		*child = tree{kind: '"', scalar: obscured}
	}
}

// obscureBelow hides all that has no members, null too.
func obscureBelow(t *tree) {
	for i := range t.members {
		obscureBelow(&t.members[i].value)
	}
	if len(t.members) == 0 { // a list is one secret
		*t = tree{kind: '"', scalar: obscured}
	}
}

// Merge puts changed over stored data: a secret that comes back obscured keeps its stored
// value; with keep, members that changed does not name stay.
func Merge(stored, changed, fields jsontext.Value, keep bool) (jsontext.Value, error) {
	old, err := parse(stored)
	if err != nil {
		return nil, fmt.Errorf("read the data of a block: %w", err)
	}
	next, err := parse(changed)
	if err != nil {
		return nil, fmt.Errorf("read the data of a block: %w", err)
	}
	paths, err := secretPaths(fields)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		restore(&next, &old, path)
	}
	if !keep {
		return next.value(), nil
	}
	for _, m := range next.members {
		old.set(m.name, m.value)
	}
	return old.value(), nil
}

// restore puts stored secrets back where next has them obscured.
func restore(next, old *tree, path []string) {
	if next == nil || old == nil {
		return
	}
	if len(path) == 0 || path[0] == "*" {
		restoreBelow(next, old)
		return
	}
	restore(next.get(path[0]), old.get(path[0]), path[1:])
}

func restoreBelow(next, old *tree) {
	if bytes.Equal(next.scalar, obscured) {
		*next = *old
		return
	}
	for i := range next.members {
		if was := old.get(next.members[i].name); was != nil {
			restoreBelow(&next.members[i].value, was)
		}
	}
	for i := range min(len(next.items), len(old.items)) {
		restoreBelow(&next.items[i], &old.items[i])
	}
}

// Reference is a member of a document's data that stands for another document.
type Reference struct {
	Field string
	ID    string // "" when the reference names none
}

// SplitReferences takes the references out of a document's data.
func SplitReferences(data jsontext.Value) (rest jsontext.Value, refs []Reference, err error) {
	t, err := parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("read the data of a block: %w", err)
	}
	for _, m := range slices.Clone(t.members) {
		ref := m.value.get("$ref")
		if ref == nil || ref.kind != '{' {
			continue
		}
		refs = append(refs, Reference{m.name, ref.get("block_document_id").text()})
		t.remove(m.name)
	}
	return t.value(), refs, nil
}

// Inline puts the data of referenced documents back at their fields.
func Inline(data jsontext.Value, children map[string]jsontext.Value) (jsontext.Value, error) {
	if len(children) == 0 {
		return data, nil
	}
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read the data of a block: %w", err)
	}
	names := make([]string, 0, len(children))
	for name := range children {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		child, err := parse(children[name])
		if err != nil {
			return nil, fmt.Errorf("read the data of a block: %w", err)
		}
		t.set(name, child)
	}
	return t.value(), nil
}

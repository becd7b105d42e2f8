package declare

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// Action is what is to happen to an object.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "change"
	Delete    Action = "delete"
	Unchanged Action = "unchanged"
)

// Change is what is to happen to one object, with what differs.
type Change struct {
	Action      Action       `json:"action"`
	Kind        string       `json:"kind"`
	Name        string       `json:"name"`
	Differences []Difference `json:"differences"`

	declared, current *Object
}

// Difference is one value that the server has otherwise. A secret is not told.
type Difference struct {
	Path   string         `json:"path"`
	From   jsontext.Value `json:"from"`
	To     jsontext.Value `json:"to"`
	Secret bool           `json:"secret"`
}

// Plan compares declarations with the server. With prune it deletes what the server has
// of the declared kinds and no document declares.
func Plan(ctx context.Context, c *client.Client, declared []*Object, prune bool) ([]Change, error) {
	var plan []Change
	var removed []Change
	for _, k := range kinds() {
		wanted := slices.DeleteFunc(slices.Clone(declared), func(o *Object) bool { return o.Kind != k.name })
		if len(wanted) == 0 {
			continue
		}
		have, err := k.current(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, o := range wanted {
			change, err := compare(o, have)
			if err != nil {
				return nil, api.Errorf(api.CodeInvalid, "%s: %w", o.Place, err)
			}
			plan = append(plan, change)
		}
		if prune {
			removed = append(undeclared(k, wanted, have), removed...)
		}
	}
	return append(plan, removed...), nil
}

// undeclared are the objects to delete. What code makes and what the server keeps of
// itself stays.
func undeclared(k *kind, wanted, have []*Object) []Change {
	var changes []Change
	for _, o := range have {
		isDefault := k.name == queueKind && strings.HasSuffix(o.Name, "/default")
		declared := slices.ContainsFunc(wanted, func(w *Object) bool { return w.Name == o.Name })
		if k.remove != nil && !declared && !isDefault {
			changes = append(changes, Change{Action: Delete, Kind: k.name, Name: o.Name, Differences: []Difference{}, current: o})
		}
	}
	return changes
}

func compare(o *Object, have []*Object) (Change, error) {
	change := Change{Action: Create, Kind: o.Kind, Name: o.Name, Differences: []Difference{}, declared: o}
	var same []*Object
	for _, h := range have {
		if h.Name == o.Name {
			same = append(same, h)
		}
	}
	switch {
	case len(same) > 1:
		return change, api.Errorf(api.CodeInvalid, "the server has %d of %s %q, so it is unclear which is meant", len(same), o.Kind, o.Name)
	case len(same) == 0 && o.kind.create == nil:
		return change, api.Errorf(api.CodeInvalid, "there is no %s %q; `usher deploy` makes it", o.Kind, o.Name)
	case len(same) == 1:
		change.current, change.Action = same[0], Unchanged
	}
	var from fields
	if change.current != nil {
		from = change.current.fields
	}
	for _, name := range o.kind.fields {
		to, said := o.fields[name]
		if !said {
			continue
		}
		found := differences(name, from[name], to, slices.Contains(o.kind.loose, name))
		if len(found) > 0 && change.current != nil && slices.Contains(o.kind.fixed, name) {
			return change, api.Errorf(api.CodeInvalid, "%s of %s %q is %s and can't be changed", name, o.Kind, o.Name, from[name])
		}
		change.Differences = append(change.Differences, found...)
	}
	if change.Action == Unchanged && len(change.Differences) > 0 {
		change.Action = Update
	}
	if err := change.judge(); err != nil {
		return change, api.Errorf(api.CodeInvalid, "%s %q can't be so: %w", o.Kind, o.Name, err)
	}
	change.hide()
	return change, nil
}

// hide takes the secrets of a block out of what is shown.
func (c *Change) hide() {
	secrets := slices.Clone(c.declared.secrets)
	if c.current != nil {
		secrets = append(secrets, c.current.secrets...)
	}
	for i := range c.Differences {
		d := &c.Differences[i]
		for _, name := range secrets {
			if d.Path == "data" || within(d.Path, "data."+name) {
				d.From, d.To, d.Secret = nil, nil, true
			}
		}
	}
}

func within(path, of string) bool {
	return path == of || len(path) > len(of) && path[:len(of)] == of && path[len(of)] == '.'
}

// differences walks two values. Where the server fills in what is not said, only what is
// said counts.
func differences(path string, from, to jsontext.Value, loose bool) []Difference {
	if equal(from, to, loose) {
		return nil
	}
	var a, b fields
	if to.Kind() != '{' || json.Unmarshal(to, &b) != nil || from.Kind() != '{' && len(from) > 0 {
		return []Difference{{Path: path, From: from, To: to}}
	}
	if len(from) > 0 && json.Unmarshal(from, &a) != nil {
		return []Difference{{Path: path, From: from, To: to}}
	}
	names := maps.Clone(b)
	if !loose {
		maps.Copy(names, a)
	}
	var all []Difference
	for _, name := range slices.SortedFunc(maps.Keys(names), cmp.Compare) {
		all = append(all, differences(path+"."+name, a[name], b[name], loose)...)
	}
	if len(all) == 0 { // an empty object where nothing was
		return []Difference{{Path: path, From: from, To: to}}
	}
	return all
}

func equal(from, to jsontext.Value, loose bool) bool {
	if len(from) == 0 || len(to) == 0 {
		return len(from) == len(to)
	}
	var a, b any
	if json.Unmarshal(from, &a) != nil || json.Unmarshal(to, &b) != nil {
		return false
	}
	if loose {
		return covers(a, b)
	}
	x, y := from.Clone(), to.Clone()
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}

// covers reports whether have is want with perhaps more members in its objects.
func covers(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		for name, value := range w {
			ok = ok && covers(h[name], value)
		}
		return ok
	case []any:
		h, ok := have.([]any)
		ok = ok && len(h) == len(w)
		for i := 0; ok && i < len(w); i++ {
			ok = covers(h[i], w[i])
		}
		return ok
	}
	return have == want
}

package scim

import (
	"slices"
	"strings"
)

// operation is one change of a PATCH: RFC 7644 §3.5.2.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitzero"`
	Value any    `json:"value,omitzero"`
}

type patch struct {
	Schemas    []string    `json:"schemas"`
	Operations []operation `json:"Operations"`
}

// kind is what a resource is made of: the attributes that a client may write, by name, and
// those that only this server does.
type kind struct {
	writable, readOnly []string
}

var (
	userKind  = kind{[]string{"userName", "externalId", "name", "name.givenName", "name.familyName", "active"}, []string{"id", "meta", "schemas", "emails", "displayName", "groups", "name.formatted"}}
	groupKind = kind{[]string{"displayName", "externalId", "members"}, []string{"id", "meta", "schemas"}}
)

// find returns the name of an attribute as it is written, and whether a client may write it.
func (k kind) find(name string) (canonical string, writable, known bool) {
	is := func(n string) bool { return strings.EqualFold(n, name) }
	if i := slices.IndexFunc(k.writable, is); i >= 0 {
		return k.writable[i], true, true
	}
	if i := slices.IndexFunc(k.readOnly, is); i >= 0 {
		return k.readOnly[i], false, true
	}
	return name, false, false
}

// apply changes a resource as a PATCH says.
func (p *patch) apply(o object, k kind) error {
	if len(p.Operations) == 0 {
		return fail(400, "invalidSyntax", "The request has no Operations.")
	}
	for _, op := range p.Operations {
		verb := strings.ToLower(op.Op)
		if verb != "add" && verb != "replace" && verb != "remove" {
			return fail(400, "invalidSyntax", "An operation is add, replace or remove.")
		}
		if op.Path != "" {
			if err := set(o, k, verb, op.Path, op.Value); err != nil {
				return err
			}
			continue
		}
		parts, ok := op.Value.(object)
		if verb == "remove" || !ok {
			return fail(400, "noTarget", "The operation needs a path, or an object with what it changes.")
		}
		for name, value := range parts {
			if _, _, known := k.find(withoutURN(name)); !known {
				continue // as in the body of a PUT
			}
			if err := set(o, k, verb, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// set changes one attribute.
func set(o object, k kind, verb, path string, value any) error {
	path = withoutURN(path)
	var want filter
	if open := strings.IndexByte(path, '['); open >= 0 {
		end := strings.LastIndexByte(path, ']')
		if end < open {
			return fail(400, "invalidPath", "The path has no closing bracket.")
		}
		var err error
		if want, err = parseFilter(path[open+1 : end]); err != nil {
			return fail(400, "invalidPath", "The path has a filter that is none.")
		}
		path = path[:open] + path[end+1:]
	}
	name, writable, known := k.find(path)
	attribute, _, _ := strings.Cut(name, ".")
	if _, ok, isKnown := k.find(attribute); !known && isKnown {
		known, writable = true, ok && attribute == "members"
	}
	switch {
	case !known:
		return fail(400, "invalidPath", "There is no attribute "+path+".")
	case !writable && (attribute == "id" || attribute == "meta" || attribute == "schemas" || attribute == "groups"):
		return fail(400, "mutability", path+" can't be changed.")
	case !writable:
		return nil // what follows from others, such as emails, is taken and not looked at
	case attribute == "members":
		return setMembers(o, verb, want, value)
	}
	if verb == "remove" && (name == "userName" || name == "active" || name == "displayName") {
		return fail(400, "mutability", name+" can't be removed.")
	}
	first, part, hasPart := strings.Cut(name, ".")
	if verb == "remove" {
		value = nil
	}
	if !hasPart {
		if inner, ok := value.(object); ok && first == "name" {
			for key, v := range inner {
				if err := set(o, k, verb, "name."+key, v); err != nil {
					return err
				}
			}
			return nil
		}
		o[first] = value
		return nil
	}
	inner, _ := o[first].(object)
	if inner == nil {
		inner = object{}
	}
	inner[part] = value
	o[first] = inner
	return nil
}

// setMembers changes who is in a group.
func setMembers(o object, verb string, want filter, value any) error {
	have, _ := o["members"].([]any)
	given, isList := value.([]any)
	if one, ok := value.(object); ok {
		given, isList = []any{one}, true
	}
	if value != nil && !isList {
		return fail(400, "invalidValue", "members are a list of objects with a value.")
	}
	drop := func(keep func(object) bool) {
		o["members"] = slices.DeleteFunc(slices.Clone(have), func(m any) bool {
			member, ok := m.(object)
			return !ok || !keep(member)
		})
	}
	named := func(list []any, m object) bool {
		return slices.ContainsFunc(list, func(g any) bool {
			one, ok := g.(object)
			return ok && one["value"] == m["value"]
		})
	}
	switch {
	case verb == "remove" && want != nil:
		drop(func(m object) bool { return !want(m) })
	case verb == "remove" && given != nil:
		drop(func(m object) bool { return !named(given, m) })
	case verb == "remove":
		o["members"] = []any{}
	case verb == "replace":
		o["members"] = given
	default:
		for _, g := range given {
			if one, ok := g.(object); ok && !named(have, one) {
				have = append(have, one)
			}
		}
		o["members"] = have
	}
	return nil
}

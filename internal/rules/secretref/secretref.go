// Package secretref knows values that only say where a secret is: an object with one member,
// {"$vault": "mount/path#field"}, {"$env": "NAME"} or {"$file": "name"}.
package secretref

import "slices"

// The kinds of references, as their members are called.
const (
	Vault = "$vault" // in HashiCorp Vault: mount/path#field
	Env   = "$env"   // in a variable of the environment
	File  = "$file"  // in a file
)

var kinds = []string{Vault, Env, File}

// IsKind says whether the member of an object makes it a reference.
func IsKind(member string) bool { return slices.Contains(kinds, member) }

// Of says what a value refers to, if it is a reference.
func Of(value any) (kind, place string, ok bool) {
	object, _ := value.(map[string]any)
	if len(object) != 1 {
		return "", "", false
	}
	for member, v := range object {
		place, ok = v.(string)
		return member, place, ok && IsKind(member)
	}
	return "", "", false
}

// Resolve replaces the references in a tree by what read has for them.
func Resolve(tree any, read func(kind, place string) (any, error)) (any, error) {
	if kind, place, ok := Of(tree); ok {
		return read(kind, place)
	}
	var err error
	switch v := tree.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for member, value := range v {
			if out[member], err = Resolve(value, read); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			if out[i], err = Resolve(value, read); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return tree, nil
}

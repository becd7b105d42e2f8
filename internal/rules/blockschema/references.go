package blockschema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// errReferences says that what fields tell of other blocks is not understood.
var errReferences = errors.New("block_schema_references maps each field to an object with block_type_slug and block_schema_checksum, or to a list of them")

// Referred is a block schema that the fields of another one refer to.
type Referred struct {
	// Slug is its type's, Checksum what the referring fields take it to be.
	Slug, Checksum string
	// Fields are what the definitions say of it, nil if they say nothing.
	Fields jsontext.Value
}

// Resolve shows every schema that fields refer to, in order, and returns the fields with the
// checksums that it is told.
func Resolve(fields jsontext.Value, checksumOf func(Referred) (string, error)) (jsontext.Value, error) {
	t, err := parse(fields)
	if err != nil {
		return nil, fmt.Errorf("read the fields of a block schema: %w", err)
	}
	all := t.get("block_schema_references")
	if all == nil || len(all.members) == 0 && all.kind == '{' {
		return fields, nil
	}
	if all.kind != '{' {
		return nil, errReferences
	}
	for i := range all.members {
		m := &all.members[i]
		list := []*tree{&m.value}
		if m.value.kind == '[' {
			list = list[:0]
			for j := range m.value.items {
				list = append(list, &m.value.items[j])
			}
		}
		for _, ref := range list {
			r := Referred{Slug: ref.get("block_type_slug").text(), Checksum: ref.get("block_schema_checksum").text()}
			if r.Slug == "" || r.Checksum == "" {
				return nil, errReferences
			}
			r.Fields = t.definitionOf(m.name, r.Slug)
			checksum, err := checksumOf(r)
			if err != nil {
				return nil, err
			}
			ref.set("block_schema_checksum", tree{kind: '"', scalar: quoted(nil, checksum)})
		}
	}
	return t.value(), nil
}

// definitionOf returns the fields of the block of a type that a property of t is: the only
// definition that the property refers to, or the one of that type.
func (t *tree) definitionOf(property, slug string) jsontext.Value {
	definitions, spec := t.get("definitions"), t.get("properties").get(property)
	if definitions == nil || spec == nil {
		return nil
	}
	names := references(spec, nil)
	for _, name := range names {
		d := definitions.get(strings.ReplaceAll(name, definitionPrefix, ""))
		if d == nil || d.kind != '{' || len(names) > 1 && d.get("block_type_slug").text() != slug {
			continue
		}
		fields := tree{kind: '{'}
		fields.members = append(fields.members, d.members...)
		needed := tree{kind: '{'}
		collect(d, definitions, &needed, func(*tree) bool { return true })
		if len(needed.members) > 0 {
			fields.set("definitions", needed)
		}
		return fields.value()
	}
	return nil
}

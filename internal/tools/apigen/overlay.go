package main

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// add merges what a second document adds to the contract: schemas, and members of
// schemas. Added members are left out of answers that have no value for them.
func (d *document) add(more *document) error {
	for _, m := range more.Components.Schemas {
		have, known := find(&schema{Properties: d.Components.Schemas}, m.Key)
		if !known {
			d.Components.Schemas = append(d.Components.Schemas, m)
			continue
		}
		for _, p := range m.Value.Properties {
			if _, taken := find(have, p.Key); taken {
				return fmt.Errorf("%s.%s is part of the contract and cannot be added", m.Key, p.Key)
			}
			p.Value.added = true
			have.Properties = append(have.Properties, p)
			if err := have.addText(p.Key, p.Value.raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// addText adds a property to the text of a schema.
func (s *schema) addText(name string, property jsontext.Value) error {
	var tree, properties ordered[jsontext.Value]
	if err := json.Unmarshal(s.raw, &tree); err != nil {
		return err
	}
	for i := range tree {
		if tree[i].Key != "properties" {
			continue
		}
		if err := json.Unmarshal(tree[i].Value, &properties); err != nil {
			return err
		}
		text, err := json.Marshal(append(properties, member[jsontext.Value]{name, property}))
		if err != nil {
			return err
		}
		tree[i].Value = text
	}
	text, err := json.Marshal(tree)
	s.raw = text
	return err
}

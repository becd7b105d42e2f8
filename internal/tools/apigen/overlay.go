package main

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// add merges what a second document adds to the contract: operations, schemas, and members of
// schemas. Added members are left out of answers that have no value for them.
func (d *document) add(more *document) error {
	for _, p := range more.Paths {
		for i := range p.Value {
			p.Value[i].Value.added = true
		}
		d.Paths = append(d.Paths, p)
	}
	for _, m := range more.Components.Schemas {
		have, known := find(&schema{Properties: d.Components.Schemas}, m.Key)
		if !known {
			d.Components.Schemas = append(d.Components.Schemas, m)
			continue
		}
		for _, p := range m.Value.Properties {
			if err := have.addMember(m.Key, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// share adds the named members, or values of enumerations, that the hosted service's
// contract has of schemas which both have.
func (d *document) share(names ordered[[]string], hosted *document) error {
	theirs := &schema{Properties: hosted.Components.Schemas}
	for _, n := range names {
		have, known := find(&schema{Properties: d.Components.Schemas}, n.Key)
		from, there := find(theirs, n.Key)
		if !known || !there {
			return fmt.Errorf("%s is no schema of both contracts", n.Key)
		}
		for _, name := range n.Value {
			if slices.Contains(from.Enum, name) {
				have.Enum, have.also = append(have.Enum, name), append(have.also, name)
				continue
			}
			p, isMember := find(from, name)
			if !isMember {
				return fmt.Errorf("%s.%s is not in the hosted service's contract", n.Key, name)
			}
			d.borrow(p, theirs)
			p.shared = true
			if err := have.addMember(n.Key, member[*schema]{name, p}); err != nil {
				return err
			}
		}
		if err := have.addValues(); err != nil {
			return err
		}
	}
	return nil
}

// addMember adds a property to a schema of that name.
func (s *schema) addMember(name string, p member[*schema]) error {
	if _, taken := find(s, p.Key); taken {
		return fmt.Errorf("%s.%s is part of the contract and cannot be added", name, p.Key)
	}
	added := *p.Value
	added.added = true
	s.Properties = append(s.Properties, member[*schema]{p.Key, &added})
	return s.addText(p.Key, p.Value.raw)
}

// addValues tells the text of an enumeration what it takes besides the values that it names.
func (s *schema) addValues() error {
	if len(s.also) == 0 {
		return nil
	}
	var tree ordered[jsontext.Value]
	if err := json.Unmarshal(s.raw, &tree); err != nil {
		return err
	}
	also, err := json.Marshal(s.also)
	if err != nil {
		return err
	}
	s.raw, err = json.Marshal(append(tree, member[jsontext.Value]{"also", also}))
	return err
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

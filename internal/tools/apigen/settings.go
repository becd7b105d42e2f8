package main

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// defaultSettings is the contract's Settings object with every default.
func (g *generator) defaultSettings() ([]byte, error) {
	tree, err := g.defaults(g.schemas["Settings"])
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(tree, jsontext.WithIndent(" "))
	return append(text, '\n'), err
}

func (g *generator) defaults(s *schema) (ordered[jsontext.Value], error) {
	out := ordered[jsontext.Value]{}
	for _, p := range s.Properties {
		value := p.Value.Default
		if below := g.schemas[p.Value.ref()]; below != nil && len(below.Properties) > 0 {
			tree, err := g.defaults(below)
			if err != nil {
				return nil, err
			}
			if value, err = json.Marshal(tree); err != nil {
				return nil, err
			}
		}
		if len(value) == 0 {
			value = zero(p.Value)
		}
		out = append(out, member[jsontext.Value]{p.Key, value})
	}
	return out, nil
}

// zero is what a setting is that the contract names no default for.
func zero(s *schema) jsontext.Value {
	switch s.Type {
	case "string":
		return jsontext.Value(`""`)
	case "object":
		return jsontext.Value("{}")
	case "array":
		return jsontext.Value("[]")
	}
	return jsontext.Value("null")
}

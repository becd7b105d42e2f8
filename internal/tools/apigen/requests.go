package main

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// spoken are the keywords of schemas that only describe.
var spoken = []string{"title", "description", "default", "deprecated", "examples", "discriminator", "writeOnly", "supported_environment_variables"}

// requestSchemas is a JSON object of the schemas that requests are made of, by the names
// of their Go types.
func (g *generator) requestSchemas() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{")
	g.markDeep()
	for _, m := range g.doc.Components.Schemas {
		if !g.requests[m.Key] || isSettings(m.Key) {
			continue
		}
		text, err := g.requestSchema(m.Key, m.Value)
		if err != nil {
			return nil, err
		}
		if out.Len() > 1 {
			out.WriteString(",")
		}
		out.WriteString("\n\"" + g.typeName(m.Key) + "\":")
		out.Write(text)
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

var reference = regexp.MustCompile(`#/components/schemas/([^"]+)`)

// markDeep marks what is only referred to from the members of free objects.
func (g *generator) markDeep() {
	for _, m := range g.doc.Components.Schemas {
		if !g.requests[m.Key] || isSettings(m.Key) {
			continue
		}
		for _, found := range reference.FindAllStringSubmatch(string(m.Value.raw), -1) {
			g.mark(&schema{Ref: found[0]}, g.requests)
		}
	}
}

func (g *generator) requestSchema(name string, s *schema) ([]byte, error) {
	tree, err := g.plain(s.raw)
	if err != nil {
		return nil, err
	}
	if g.bodies[name] != "" {
		tree = append(tree, yes("parameters"))
		if last := len(s.Properties) - 1; isPage(s.Properties[last]) {
			tree = append(tree, yes("page"))
			if err := firstMember(tree); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(tree)
}

func yes(name string) member[jsontext.Value] {
	return member[jsontext.Value]{name, jsontext.Value("true")}
}

// isPage says that the last parameter is the limit that all lists share. It is looked at
// before the others.
func isPage(p member[*schema]) bool {
	return p.Key == "limit" && p.Value.Minimum == nil && p.Value.Maximum == nil && len(p.Value.Default) == 0
}

// firstMember moves the last property to the front.
func firstMember(tree ordered[jsontext.Value]) error {
	for i, m := range tree {
		if m.Key != "properties" {
			continue
		}
		var list ordered[jsontext.Value]
		if err := json.Unmarshal(m.Value, &list); err != nil {
			return err
		}
		last := len(list) - 1
		text, err := json.Marshal(slices.Concat(list[last:], list[:last]))
		if err != nil {
			return err
		}
		tree[i].Value = text
	}
	return nil
}

// plain takes out of a schema what only describes, and names Go types in references.
func (g *generator) plain(raw jsontext.Value) (ordered[jsontext.Value], error) {
	var tree, out ordered[jsontext.Value]
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	for _, m := range tree {
		if slices.Contains(spoken, m.Key) {
			continue
		}
		var err error
		switch m.Key {
		case "$ref":
			s := schema{}
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, err
			}
			if isSettings(s.ref()) {
				return ordered[jsontext.Value]{}, nil
			}
			m.Value, err = json.Marshal(g.typeName(s.ref()))
		case "properties":
			m.Value, err = g.plainEach(m.Value)
		case "anyOf", "oneOf", "prefixItems":
			m.Value, err = g.plainList(m.Value)
		case "items", "additionalProperties":
			if m.Value.Kind() == '{' {
				m.Value, err = g.plainText(m.Value)
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (g *generator) plainText(raw jsontext.Value) (jsontext.Value, error) {
	tree, err := g.plain(raw)
	if err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

func (g *generator) plainEach(raw jsontext.Value) (jsontext.Value, error) {
	var list ordered[jsontext.Value]
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	for i := range list {
		text, err := g.plainText(list[i].Value)
		if err != nil {
			return nil, err
		}
		list[i].Value = text
	}
	return json.Marshal(list)
}

func (g *generator) plainList(raw jsontext.Value) (jsontext.Value, error) {
	var list []jsontext.Value
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	for i := range list {
		text, err := g.plainText(list[i])
		if err != nil {
			return nil, err
		}
		list[i] = text
	}
	return json.Marshal(list)
}

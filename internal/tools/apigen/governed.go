package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// governedBodies is a JSON object of the schemas of the bodies of the hosted service's
// operations whose routes are written by hand, by their methods and paths. Nothing is referred
// to in them, so that they need no names of Go types.
func governedBodies(hosted *document) ([]byte, error) {
	all := map[string]jsontext.Value{}
	for _, p := range hosted.Paths {
		inside, isInside := strings.CutPrefix(p.Key, inWorkspace)
		for _, m := range p.Value {
			body := m.Value.RequestBody.schema()
			isOurs := slices.ContainsFunc(handWritten, func(tag string) bool { return slices.Contains(m.Value.Tags, tag) })
			if body == nil || isInside && inside != "" && !isOurs {
				continue
			}
			text, err := hosted.whole(body.raw)
			if err != nil {
				return nil, err
			}
			all[strings.ToUpper(m.Key)+" "+unnamed(strings.TrimPrefix(p.Key, "/api"))] = text
		}
	}
	return json.Marshal(all, json.Deterministic(true))
}

var bodyName = regexp.MustCompile(`^Body_`)

// whole is a schema with what it refers to in the places of the references, and without what
// only describes. A schema inside of itself, by the names of those that it is in, is anything.
func (d *document) whole(raw jsontext.Value, in ...string) (jsontext.Value, error) {
	switch raw.Kind() {
	case '[':
		var list []jsontext.Value
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		for i := range list {
			var err error
			if list[i], err = d.whole(list[i], in...); err != nil {
				return nil, err
			}
		}
		return json.Marshal(list)
	case '{':
	default:
		return raw, nil
	}
	var tree, out ordered[jsontext.Value]
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	for _, m := range tree {
		if m.Key == "$ref" {
			name := strings.TrimPrefix(strings.Trim(string(m.Value), `"`), "#/components/schemas/")
			if slices.Contains(in, name) {
				return jsontext.Value("{}"), nil
			}
			wanted, _ := find(&schema{Properties: d.Components.Schemas}, name)
			text, err := d.whole(wanted.raw, append(in, name)...)
			if err != nil || !bodyName.MatchString(name) {
				return text, err
			}
			var parameters ordered[jsontext.Value]
			if err := json.Unmarshal(text, &parameters); err != nil {
				return nil, err
			}
			return json.Marshal(append(parameters, yes("parameters")))
		}
		if slices.Contains(spoken, m.Key) && m.Value.Kind() != '{' {
			continue
		}
		text, err := d.whole(m.Value, in...)
		if err != nil {
			return nil, err
		}
		out = append(out, member[jsontext.Value]{m.Key, text})
	}
	return json.Marshal(out)
}

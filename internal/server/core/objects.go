package core

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// mergeObjects puts the members of JSON objects into one; later ones win and keep the
// place of the earlier. What is absent or null counts as empty.
func mergeObjects(objects ...jsontext.Value) (jsontext.Value, error) {
	var names []string
	values := map[string]jsontext.Value{}
	for _, object := range objects {
		if object.Kind() != '{' {
			continue
		}
		err := members(object, func(name string, v jsontext.Value) {
			if _, have := values[name]; !have {
				names = append(names, name)
			}
			values[name] = v
		})
		if err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := enc.WriteToken(jsontext.String(name)); err != nil {
			return nil, err
		}
		if err := enc.WriteValue(values[name]); err != nil {
			return nil, err
		}
	}
	err := enc.WriteToken(jsontext.EndObject)
	return bytes.TrimSpace(out.Bytes()), err
}

// members calls each for the members of a JSON object.
func members(object jsontext.Value, each func(name string, v jsontext.Value)) error {
	dec := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		each(name, v.Clone())
	}
	return nil
}

package deployment

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/document"
)

// values are named JSON values: parameters, job variables.
type values map[string]jsontext.Value

// readPairs reads key=value words; a value is JSON, or else a text.
func readPairs(flag string, pairs []string) (values, error) {
	read := values{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, cli.Usagef("%s %q: it has to be key=value", flag, pair)
		}
		parsed, err := readValue(flag+" "+key, value)
		if err != nil {
			return nil, cli.Usagef("%s", err).WithHint(`a text that begins like JSON needs its quotes: '"text"'`)
		}
		read[key] = parsed
	}
	return read, nil
}

// readValue reads JSON, or takes a bare word as a text. What begins like a quoted text, a
// list or an object was meant to be JSON.
func readValue(name, text string) (jsontext.Value, error) {
	value := jsontext.Value(text)
	if value.IsValid() {
		return value, nil
	}
	if strings.ContainsAny(text, `"`) {
		return document.ReadJSON(name, text)
	}
	return json.Marshal(text)
}

// readObject reads a JSON object, from in for "-".
func readObject(flag, text string, in io.Reader) (values, error) {
	if text == "-" {
		data, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("read the parameters from standard input: %w", err)
		}
		if text = string(data); strings.TrimSpace(text) == "" {
			return nil, cli.Usagef("%s -: nothing came from standard input", flag)
		}
	}
	read := values{}
	value, err := document.ReadJSON(flag, text)
	if err != nil {
		return nil, cli.Usagef("%s", err)
	}
	if value.Kind() != jsontext.KindBeginObject {
		return nil, cli.Usagef("%s has to be a JSON object: names and values in braces", flag)
	}
	if err := json.Unmarshal(value, &read); err != nil {
		return nil, cli.Usagef("%s: %s", flag, err)
	}
	return read, nil
}

// over returns the values with those of v in the place of others of the same name.
func (v values) over(other values) values {
	merged := maps.Clone(other)
	if merged == nil {
		merged = values{}
	}
	maps.Copy(merged, v)
	return merged
}

func (v values) names() []string { return slices.Sorted(maps.Keys(v)) }

func (v values) encode() (jsontext.Value, error) {
	return json.Marshal(map[string]jsontext.Value(v), json.Deterministic(true))
}

// decode reads an object that the server sent.
func decode(object jsontext.Value) (values, error) {
	read := values{}
	if len(object) == 0 {
		return read, nil
	}
	return read, json.Unmarshal(object, &read)
}

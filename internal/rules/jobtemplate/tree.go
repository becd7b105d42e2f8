package jobtemplate

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Parse reads JSON into a tree. Empty input and null are nil.
func Parse(data []byte) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil //nolint:nilnil // null is a value
	}
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	tree, err := parseValue(dec)
	if err != nil {
		return nil, err
	}
	if tail := bytes.TrimSpace(data[dec.InputOffset():]); len(tail) > 0 {
		return nil, fmt.Errorf("unexpected %q after the JSON value", string(tail[:1]))
	}
	return tree, nil
}

// ParseObject is Parse for what must be an object; empty input and null are an empty one.
func ParseObject(data []byte) (map[string]any, error) {
	tree, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if tree == nil {
		return map[string]any{}, nil
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want an object, got %s", kindOf(tree))
	}
	return object, nil
}

func parseValue(dec *jsontext.Decoder) (any, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case 'n':
		return nil, nil //nolint:nilnil // null is a value
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		return tok.String(), nil
	case '0':
		return number(tok.String()), nil
	case '[':
		return parseList(dec)
	default:
		return parseMembers(dec)
	}
}

func parseList(dec *jsontext.Decoder) (any, error) {
	list := []any{}
	for dec.PeekKind() != ']' {
		v, err := parseValue(dec)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.ReadToken()
	return list, err
}

func parseMembers(dec *jsontext.Decoder) (any, error) {
	object := map[string]any{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if object[key], err = parseValue(dec); err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken()
	return object, err
}

// number keeps Python's two kinds: a literal with a fraction or an exponent is a float.
func number(text string) any {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		return jsontext.Value(text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return jsontext.Value(text)
	}
	return api.Float(f)
}

// Encode writes a tree as JSON with sorted members.
func Encode(tree any) (jsontext.Value, error) {
	return json.Marshal(tree, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

// Clone copies a tree, so that changing the copy leaves the original alone.
func Clone(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		return CloneObject(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = Clone(v[i])
		}
		return list
	default:
		return tree
	}
}

// CloneObject is Clone for objects.
func CloneObject(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for k, v := range object {
		out[k] = Clone(v)
	}
	return out
}

// Lookup walks a dotted path ("a.b[1].c") through objects and lists.
func Lookup(tree any, path string) (any, bool) {
	for _, key := range pathKeys(path) {
		var ok bool
		switch v := tree.(type) {
		case map[string]any:
			// The reference looks digits up as a number, which no JSON object has as a name.
			if _, err := strconv.Atoi(key); err == nil {
				return nil, false
			}
			tree, ok = v[key]
		case []any:
			tree, ok = element(v, key)
		}
		if !ok {
			return nil, false
		}
	}
	return tree, true
}

func element(list []any, key string) (any, bool) {
	i, err := strconv.Atoi(key)
	if err != nil {
		return nil, false
	}
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil, false
	}
	return list[i], true
}

func pathKeys(path string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", ""), ".")
}

// set stores value at a dotted path, making objects on the way.
func set(object map[string]any, path string, value any) error {
	keys := pathKeys(path)
	for _, key := range keys[:len(keys)-1] {
		next, ok := object[key].(map[string]any)
		if !ok {
			if _, taken := object[key]; taken {
				return api.Errorf(api.CodeInvalid, "job variable %q: %q is set to something that is not an object", path, key)
			}
			next = map[string]any{}
			object[key] = next
		}
		object = next
	}
	object[keys[len(keys)-1]] = value
	return nil
}

// deepMerge lays over on base; objects merge, everything else is replaced.
func deepMerge(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for key, value := range over {
		inner, isObject := value.(map[string]any)
		if below, ok := out[key].(map[string]any); ok && isObject {
			out[key] = deepMerge(below, inner)
			continue
		}
		out[key] = value
	}
	return out
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

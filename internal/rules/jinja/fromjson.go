package jinja

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// FromJSON reads JSON into values for templates, as Python reads it: objects keep their
// order, and numbers with a point are floats.
func FromJSON(raw []byte) (any, error) {
	return readJSON(jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true)))
}

func readJSON(dec *jsontext.Decoder) (any, error) {
	t, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return jsonNumber(t.String()), nil
	case '[':
		return readList(dec)
	case '{':
		return readDict(dec)
	}
	return nil, nil
}

func jsonNumber(text string) any {
	if strings.ContainsAny(text, ".eE") {
		f, _ := strconv.ParseFloat(text, 64)
		return f
	}
	n, _ := new(big.Int).SetString(text, 10)
	return small(n)
}

func readList(dec *jsontext.Decoder) (any, error) {
	out := []any{}
	for dec.PeekKind() != ']' {
		item, err := readJSON(dec)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	_, err := dec.ReadToken()
	return out, err
}

func readDict(dec *jsontext.Decoder) (any, error) {
	out := NewDict()
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := readJSON(dec)
		if err != nil {
			return nil, err
		}
		out.Set(key, value)
	}
	_, err := dec.ReadToken()
	return out, err
}

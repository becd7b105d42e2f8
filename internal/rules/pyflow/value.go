package pyflow

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any // object, []any, string, bool, nil, int64, float64 or jsontext.Value
}

// with is the object with a member more.
func (o object) with(name string, value any) object {
	return append(slices.Clone(o), member{name, value})
}

func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// sorted is the object in the order of its names, as schemas have it.
func (o object) sorted() object {
	out := slices.Clone(o)
	slices.SortStableFunc(out, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return out
}

// encode writes JSON.
func encode(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = jsontext.AppendQuote(b, m.name); err != nil {
				return nil, err
			}
			if b, err = encode(append(b, ':'), m.value); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = encode(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case float64:
		return append(b, floatText(v)...), nil
	}
	data, err := json.Marshal(v)
	return append(b, data...), err
}

// floatText writes a float as Python does.
func floatText(f float64) string {
	exponent := strconv.FormatFloat(f, 'e', -1, 64)
	n, err := strconv.Atoi(exponent[strings.IndexByte(exponent, 'e')+1:])
	if err == nil && (n < -4 || n >= 16) {
		return exponent
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// text is the JSON of a value, for comparisons.
func text(v any) string {
	b, err := encode(nil, v)
	if err != nil {
		return ""
	}
	return string(b)
}

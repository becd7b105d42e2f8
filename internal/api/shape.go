package api

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// packedShapes are the contract's schemas of requests, written by apigen. They are read
// when the first request comes that the types alone can't judge.
//
//go:embed requests_gen.json.gz
var packedShapes []byte

// shape is a schema of a request or of a part of one.
type shape struct {
	Ref       string         `json:"$ref"`
	Type      string         `json:"type"`
	Format    string         `json:"format"`
	Enum      choices        `json:"enum"`
	Also      choices        `json:"also"` // values that messages do not name
	Const     jsontext.Value `json:"const"`
	AnyOf     []*shape       `json:"anyOf"`
	OneOf     []*shape       `json:"oneOf"`
	Items     *shape         `json:"items"`
	Prefix    []*shape       `json:"prefixItems"`
	Members   members        `json:"properties"`
	Required  []string       `json:"required"`
	Extra     jsontext.Value `json:"additionalProperties"`
	Unique    bool           `json:"uniqueItems"`
	Min       *float64       `json:"minimum"`
	Above     *float64       `json:"exclusiveMinimum"`
	Max       *float64       `json:"maximum"`
	MinLength *int           `json:"minLength"`
	MaxLength *int           `json:"maxLength"`
	MinItems  *int           `json:"minItems"`
	MaxItems  *int           `json:"maxItems"`
	Pattern   string         `json:"pattern"`
	Media     string         `json:"contentMediaType"`

	// Parameters says that the members are parameters of the operation rather than
	// fields of one schema; Page that the first of them is the limit of a page, which is
	// looked at before anything else.
	Parameters bool `json:"parameters"`
	Page       bool `json:"page"`

	name     string
	extra    *shape
	sequence bool // anything in an order, not only a list
}

// choices are the values of an enumeration: texts or, for integers, their digits.
type choices struct {
	values  []string
	numbers bool
}

// UnmarshalJSONFrom reads texts and integers.
func (c *choices) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var list []jsontext.Value
	if err := json.UnmarshalDecode(dec, &list); err != nil {
		return err
	}
	for _, v := range list {
		if c.numbers = v.Kind() == '0'; c.numbers {
			c.values = append(c.values, string(v))
		} else {
			c.values = append(c.values, unquoted(v))
		}
	}
	return nil
}

// has says that v is one of the values.
func (c *choices) has(v jsontext.Value) bool {
	if c.numbers {
		return v.Kind() == '0' && slices.Contains(c.values, string(v))
	}
	return v.Kind() == '"' && slices.Contains(c.values, unquoted(v))
}

// String lists the values as messages do.
func (c *choices) String() string {
	if c.numbers {
		return listed(c.values)
	}
	return Choices(c.values)
}

// members are the properties of a schema in the order of the contract.
type members []memberShape

type memberShape struct {
	name  string
	shape *shape
}

// UnmarshalJSONFrom reads the members in the order in which they are written.
func (m *members) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		one := memberShape{name: name.String()}
		if err := json.UnmarshalDecode(dec, &one.shape); err != nil {
			return err
		}
		*m = append(*m, one)
	}
	_, err := dec.ReadToken()
	return err
}

// shapes returns all schemas by the names of their Go types.
var shapes = sync.OnceValue(func() map[string]*shape {
	all := unpacked(packedShapes)
	for name, s := range all {
		s.name = name
	}
	return all
})

// packedGoverned are the hosted service's schemas of the bodies of operations whose types are
// written by hand, by their methods and paths.
//
//go:embed governed_gen.json.gz
var packedGoverned []byte

var governed = sync.OnceValue(func() map[string]*shape { return unpacked(packedGoverned) })

// unpacked reads what apigen has written.
func unpacked(packed []byte) map[string]*shape {
	all := map[string]*shape{}
	text, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		err = json.UnmarshalRead(text, &all)
	}
	if err != nil {
		panic(err) // apigen wrote it
	}
	return all
}

// shapeOf returns the schema of a Go type, nil when the contract has none for it.
func shapeOf(t reflect.Type) *shape {
	switch t.Kind() {
	case reflect.Slice:
		if item := shapeOf(t.Elem()); item != nil {
			return &shape{Type: "array", Items: item, sequence: item.name == "LogCreate"}
		}
	case reflect.Struct:
		return shapes()[t.Name()]
	}
	return nil
}

// resolved follows a reference.
func (s *shape) resolved() *shape {
	if s.Ref == "" {
		return s
	}
	return shapes()[s.Ref]
}

// options returns the alternatives of a union but null, and whether null is one.
func (s *shape) options() (list []*shape, null bool) {
	for _, o := range slices.Concat(s.AnyOf, s.OneOf) {
		if o.Type == "null" {
			null = true
			continue
		}
		list = append(list, o.resolved())
	}
	return list, null
}

func (s *shape) member(name string) *shape {
	for _, m := range s.Members {
		if m.name == name {
			return m.shape
		}
	}
	return nil
}

// others is the schema of the members that are not named: nil when anything goes.
func (s *shape) others() *shape {
	if s.extra == nil && len(s.Extra) > 0 && s.Extra.Kind() == '{' {
		s.extra = new(shape)
		_ = json.Unmarshal(s.Extra, s.extra) // apigen wrote it
	}
	return s.extra
}

// label is how the place of a violation names an alternative of a union.
func (s *shape) label() string {
	s = s.resolved()
	switch {
	case s.name != "":
		return strings.TrimSuffix(s.name, "TriggerInput") + strings.Repeat("Trigger", strings.Count(s.name, "TriggerInput"))
	case len(s.Enum.values) > 0:
		return "literal['" + strings.Join(s.Enum.values, "','") + "']"
	case s.Format == "uuid":
		return "uuid"
	case s.Format == "date-time":
		return "datetime"
	case s.Type == "array" && s.Items != nil:
		return "list[" + s.Items.label() + "]"
	case s.Type == "object":
		return "dict[str,any]"
	}
	return strings.NewReplacer("string", "str", "integer", "int", "number", "float", "boolean", "bool").Replace(s.Type)
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// document is the part of an OpenAPI 3.1 document that apigen reads. Orders of
// properties and paths are kept, so that the output is stable and reads like the contract.
type document struct {
	Paths      ordered[ordered[operation]] `json:"paths"`
	Components struct {
		Schemas ordered[*schema] `json:"schemas"`
	} `json:"components"`
	Hosted ordered[[]string] `json:"hosted"` // see share

	own int // how many schemas the contract has itself: see host
}

type operation struct {
	ID          string              `json:"operationId"`
	Tags        []string            `json:"tags"`
	Parameters  []parameter         `json:"parameters"`
	RequestBody *content            `json:"requestBody"`
	Responses   map[string]*content `json:"responses"`

	hosted bool // only the hosted service has it: see host
	added  bool // only usher has it: see add
}

type parameter struct {
	Name   string  `json:"name"`
	In     string  `json:"in"`
	Schema *schema `json:"schema"`
}

type content struct {
	Content map[string]struct {
		Schema *schema `json:"schema"`
	} `json:"content"`
}

func (c *content) schema() *schema {
	if c == nil {
		return nil
	}
	return c.Content["application/json"].Schema
}

type schema struct {
	Ref                  string           `json:"$ref"`
	Type                 string           `json:"type"`
	Format               string           `json:"format"`
	Enum                 words            `json:"enum"`
	Const                jsontext.Value   `json:"const"`
	AnyOf                []*schema        `json:"anyOf"`
	OneOf                []*schema        `json:"oneOf"`
	Items                *schema          `json:"items"`
	Properties           ordered[*schema] `json:"properties"`
	Required             []string         `json:"required"`
	AdditionalProperties jsontext.Value   `json:"additionalProperties"`
	Default              jsontext.Value   `json:"default"`
	Minimum              *float64         `json:"minimum"`
	Maximum              *float64         `json:"maximum"`
	ExclusiveMinimum     *float64         `json:"exclusiveMinimum"`
	MaxLength            *int             `json:"maxLength"`
	Pattern              string           `json:"pattern"`

	raw    jsontext.Value // all of it, as it is written
	added  bool           // not part of the contract: see add
	shared bool           // part of the hosted service's contract: see share
	also   []string       // values of Enum that are not part of the contract: see share
}

// UnmarshalJSONFrom reads a schema and keeps its text.
func (s *schema) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	type plain schema
	if err := json.Unmarshal(raw, (*plain)(s)); err != nil {
		return err
	}
	s.raw = raw.Clone()
	return nil
}

// words are the values of an enumeration; one of numbers is empty, and not nil.
type words []string

// UnmarshalJSONFrom passes over what is no string.
func (w *words) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var list []any
	if err := json.UnmarshalDecode(dec, &list); err != nil {
		return err
	}
	*w = words{}
	for _, v := range list {
		if s, isText := v.(string); isText {
			*w = append(*w, s)
		}
	}
	return nil
}

func (s *schema) ref() string { return strings.TrimPrefix(s.Ref, "#/components/schemas/") }

// ordered is a JSON object whose members keep their order.
type ordered[T any] []member[T]

type member[T any] struct {
	Key   string
	Value T
}

// UnmarshalJSONFrom reads the members in the order in which they are written.
func (o *ordered[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return fmt.Errorf("want an object: %w", err)
	}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return err
		}
		m := member[T]{Key: key.String()}
		if err := json.UnmarshalDecode(dec, &m.Value); err != nil {
			return err
		}
		*o = append(*o, m)
	}
	_, err := dec.ReadToken()
	return err
}

// MarshalJSONTo writes the members in their order.
func (o ordered[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, m := range o {
		if err := enc.WriteToken(jsontext.String(m.Key)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, m.Value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

func readContract(path string) (*document, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc document
	raw = bytes.ReplaceAll(raw, []byte("prefect_cloud__orion__schemas__filters__Operator"), []byte("Operator")) // the same as the contract's
	if err := json.UnmarshalRead(bytes.NewReader(raw), &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &doc, nil
}

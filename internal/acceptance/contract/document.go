// Package contract holds every operation of the contract to it: requests that are
// generated from the contract's schemas, right ones and broken ones, in sequences where
// later requests use what earlier ones made, with the answers that the reference gave.
//
// Another sequence changes objects of all kinds; what is compared are the events that are
// emitted on each request (testdata/events).
//
// The recordings in testdata are made by internal/tools/record, with a fixed seed; the
// test plays them against our server, compares, and checks each answer against the
// contract's schema for it.
package contract

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// Document is what generating and checking need of the contract.
type Document struct {
	Operations []Operation
	schemas    map[string]schema
	components func() (any, error) // all schemas, as the validator reads them
}

// Operation is a method on a path.
type Operation struct {
	Method, Path string
	body         schema            // nil without a body
	Answers      map[string]schema // by status
	query        []parameter
}

// Noun is the first part of the path, which groups operations.
func (o Operation) Noun() string { return strings.Split(o.Path, "/")[1] }

// String names the operation.
func (o Operation) String() string { return o.Method + " " + o.Path }

type parameter struct {
	Name   string `json:"name"`
	In     string `json:"in"`
	Schema schema `json:"schema"`
}

// schema is a JSON schema as it is written.
type schema map[string]any

func (s schema) text(key string) string {
	text, _ := s[key].(string)
	return text
}

func (s schema) list(key string) []any {
	list, _ := s[key].([]any)
	return list
}

func (s schema) sub(key string) schema {
	sub, _ := s[key].(map[string]any)
	return sub
}

// Read reads an OpenAPI document. Operations come in the order of their paths.
func Read(path string) (*Document, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	type content struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters  []parameter        `json:"parameters"`
			RequestBody content            `json:"requestBody"`
			Responses   map[string]content `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	out := &Document{schemas: doc.Components.Schemas, components: sync.OnceValues(func() (any, error) {
		return parsed(map[string]any{"schemas": doc.Components.Schemas})
	})}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			op := Operation{Method: strings.ToUpper(method), Path: path, body: o.RequestBody.Content["application/json"].Schema, Answers: map[string]schema{}}
			for _, p := range o.Parameters {
				if p.In == "query" {
					op.query = append(op.query, p)
				}
			}
			for status, answer := range o.Responses {
				op.Answers[status] = answer.Content["application/json"].Schema
			}
			out.Operations = append(out.Operations, op)
		}
	}
	slices.SortFunc(out.Operations, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return out, nil
}

// resolve follows references; name is that of the last schema on the way.
func (d *Document) resolve(s schema) (name string, out schema) {
	for s.text("$ref") != "" {
		name = strings.TrimPrefix(s.text("$ref"), "#/components/schemas/")
		s = d.schemas[name]
	}
	return name, s
}

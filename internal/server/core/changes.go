package core

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// changes collects the columns that a PATCH writes and, for the event about it, which
// fields really became something else.
type changes struct {
	sets   []store.Set
	fields []string
	moves  map[string]move
}

type move struct {
	From jsontext.Value `json:"from"`
	To   jsontext.Value `json:"to"`
}

// set writes a column.
func (c *changes) set(column string, v any) {
	c.sets = append(c.sets, store.Set{Column: column, Value: v})
}

// patch writes a column when the request has it; null becomes null.
func patch[T any](c *changes, column string, o api.Opt[T]) {
	if o.IsSet() {
		c.set(column, o.Ptr())
	}
}

// note tells the event of a field that had one value and now has another.
func (c *changes) note(field string, from, to any) error {
	before, err := canonical(from)
	if err != nil {
		return err
	}
	after, err := canonical(to)
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	if c.moves == nil {
		c.moves = map[string]move{}
	}
	c.fields = append(c.fields, field)
	c.moves[field] = move{before, after}
	return nil
}

// notePatch is note for a field that the request may have.
func notePatch[T any](c *changes, field string, from any, o api.Opt[T]) error {
	if !o.IsSet() {
		return nil
	}
	return c.note(field, from, o.Ptr())
}

// payload is what the event about the changes carries.
func (c *changes) payload() (jsontext.Value, error) {
	return json.Marshal(struct {
		Fields  []string        `json:"updated_fields"`
		Updates map[string]move `json:"updates"`
	}{c.fields, c.moves}, json.Deterministic(true))
}

// canonical is v as JSON in which equal values have equal texts.
func canonical(v any) (jsontext.Value, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	text := jsontext.Value(raw)
	err = text.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	return text, err
}

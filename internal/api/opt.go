package api

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Opt is a request value with three states: absent (the zero value), null, or a value.
// PATCH requests tell them apart: absent leaves a field, null clears it.
type Opt[T any] struct {
	value T
	state optState
}

type optState uint8

const (
	absent optState = iota
	isNull
	present
)

// Some returns an Opt that holds v.
func Some[T any](v T) Opt[T] { return Opt[T]{value: v, state: present} }

// Null returns an Opt that is explicitly null.
func Null[T any]() Opt[T] { return Opt[T]{state: isNull} }

// FromPtr returns Some(*p), or an absent Opt when p is nil.
func FromPtr[T any](p *T) Opt[T] {
	if p == nil {
		return Opt[T]{}
	}
	return Some(*p)
}

// IsSet says that the field was in the request, as null or as a value.
func (o Opt[T]) IsSet() bool { return o.state != absent }

// IsNull says that the field was in the request as null.
func (o Opt[T]) IsNull() bool { return o.state == isNull }

// IsZero says that the field is absent, so that omitzero leaves it out.
func (o Opt[T]) IsZero() bool { return o.state == absent }

// Get returns the value and whether there is one.
func (o Opt[T]) Get() (T, bool) { return o.value, o.state == present }

// Or returns the value, or def when the field is absent or null.
func (o Opt[T]) Or(def T) T {
	if o.state == present {
		return o.value
	}
	return def
}

// Ptr returns a pointer to a copy of the value, or nil when the field is absent or null.
func (o Opt[T]) Ptr() *T {
	if o.state != present {
		return nil
	}
	v := o.value
	return &v
}

// MarshalJSONTo writes null or the value.
func (o Opt[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if o.state != present {
		return enc.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(enc, o.value)
}

// UnmarshalJSONFrom reads null or a value.
func (o *Opt[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' {
		*o = Null[T]()
		return dec.SkipValue()
	}
	o.state = present
	return json.UnmarshalDecode(dec, &o.value)
}

// Match filters by membership in lists and by a pattern; what is nil does not filter.
type Match[T any] struct {
	Any    []T     `json:"any_,omitzero"`
	NotAny []T     `json:"not_any_,omitzero"`
	Like   *string `json:"like_,omitzero"`

	Unknown jsontext.Value `json:",embed"` // members that the contract forbids
}

// fits says that nothing is there that only some of the schemas allow which are one here.
func (m Match[T]) fits() bool { return m.NotAny == nil && m.Like == nil && len(m.Unknown) == 0 }

// Span filters times; what is nil does not filter.
type Span struct {
	Before *Time `json:"before_,omitzero"`
	After  *Time `json:"after_,omitzero"`

	Unknown jsontext.Value `json:",embed"` // members that the contract forbids
}

func (s Span) fits() bool { return len(s.Unknown) == 0 }

// Object returns v, or an empty object when v is absent or null.
func Object(v jsontext.Value) jsontext.Value {
	if len(v) == 0 || bytes.Equal(v, []byte("null")) {
		return jsontext.Value("{}")
	}
	return v
}

// NullList is a list of an answer that may be null: nil encodes as null, not as [].
type NullList[T any] []T

// MarshalJSONTo writes null or the list.
func (l NullList[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if l == nil {
		return enc.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(enc, []T(l))
}

// NullMap is an object of an answer that may be null: nil encodes as null, not as {}.
type NullMap[T any] map[string]T

// MarshalJSONTo writes null or the object, its members in order.
func (m NullMap[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if m == nil {
		return enc.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(enc, map[string]T(m), json.Deterministic(true))
}

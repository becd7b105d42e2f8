package api

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Appender is an answer that writes itself, faster than json.Marshal and to the same bytes.
type Appender interface {
	AppendJSON(b []byte) []byte
}

const null = "null"

// appendString appends a JSON string. Invalid UTF-8, the only failure, is replaced.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func appendUUID(b []byte, id uuid.UUID) []byte {
	const digits = "0123456789abcdef"
	text := [38]byte{0: '"', 9: '-', 14: '-', 19: '-', 24: '-', 37: '"'}
	for i, at := range [16]int{1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35} {
		text[at], text[at+1] = digits[id[i]>>4], digits[id[i]&15]
	}
	return append(b, text[:]...)
}

// appendRaw appends JSON that was checked when it came in.
func appendRaw(b []byte, v jsontext.Value) []byte {
	if len(v) == 0 {
		return append(b, null...)
	}
	return append(b, v...)
}

// appendAny appends what has no encoder of its own: maps. Most are absent.
func appendAny(b []byte, v any) []byte {
	if m, ok := v.(NullMap[string]); ok && m == nil {
		return append(b, null...)
	}
	out, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return append(b, null...)
	}
	return append(b, out...)
}

// appendMembers appends the members of a JSON object to one that is being written and has
// some.
func appendMembers(b []byte, object jsontext.Value) []byte {
	inner := bytes.TrimSpace(object)
	if len(inner) < 2 || len(bytes.TrimSpace(inner[1:len(inner)-1])) == 0 {
		return b
	}
	return append(append(b, ','), inner[1:len(inner)-1]...)
}

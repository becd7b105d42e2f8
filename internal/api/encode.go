package api

import (
	"encoding/hex"

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
	b = append(b, '"')
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return append(b, '"')
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

package states

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const unpersisted = "unpersisted"

// HasResult says that the data of a state describes a result that was stored: an object
// that is not marked as unpersisted.
func HasResult(data jsontext.Value) bool {
	kind, ok := resultType(data)
	return ok && kind != unpersisted
}

// Stored returns what is kept of a state's data: nothing of a result that is marked as
// unpersisted. Answers to the client that proposed the state echo even that.
func Stored(data jsontext.Value) jsontext.Value {
	if kind, _ := resultType(data); kind == unpersisted || data.Kind() == 'n' {
		return nil
	}
	return data
}

// heldResult is HasResult for a state read back: an empty object counts as nothing there.
func heldResult(data jsontext.Value) bool {
	return HasResult(data) && !isEmptyObject(data)
}

// resultType returns the member "type" of data; ok says that data is an object.
func resultType(data jsontext.Value) (kind string, ok bool) {
	if data.Kind() != '{' {
		return "", false
	}
	var result struct {
		Type any `json:"type"`
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return "", true
	}
	kind, _ = result.Type.(string)
	return kind, true
}

func isEmptyObject(data jsontext.Value) bool {
	for _, c := range data[1:] {
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			return c == '}'
		}
	}
	return false
}

package transfer

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/output"
)

func encode(v any) (jsontext.Value, error) { return json.Marshal(v, json.Deterministic(true)) }

// requestFor makes of an answer of the source the request that makes the same at the target:
// the members that both have, with the target's ids.
func requestFor[T any](p *plan, answer any) (request T, err error) {
	text, err := encode(answer)
	if err != nil {
		return request, err
	}
	text, err = shared[T]([]byte(p.translate(string(text))))
	if err != nil {
		return request, err
	}
	return request, json.Unmarshal(text, &request)
}

// shared keeps the members of an object that T has too and that are not null.
func shared[T any](object jsontext.Value) (jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	known := output.FieldsOf[T]()
	for name, value := range members {
		if value.Kind() == 'n' || !slices.Contains(known, name) {
			delete(members, name)
		}
	}
	return encode(members)
}

// withoutIDs takes the ids of their own off triggers, which their maker gives.
func withoutIDs(raw jsontext.Value) (jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(members, "id")
	var parts []jsontext.Value
	if json.Unmarshal(members["triggers"], &parts) != nil {
		return encode(members)
	}
	for i := range parts {
		var err error
		if parts[i], err = withoutIDs(parts[i]); err != nil {
			return nil, err
		}
	}
	var err error
	if members["triggers"], err = encode(parts); err != nil {
		return nil, err
	}
	return encode(members)
}

package declare

import (
	"maps"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// wire are the contract's types for what a change sends, by which it is judged before
// anything is changed. The values are pointers.
type wire struct {
	name         string // the member of created that has the object's name
	made, change func() any
}

func typed[T any]() any { return new(T) }

// judge says what the server would refuse of a change, as far as the contract tells.
func (c *Change) judge() error {
	var into any
	var body fields
	switch o := c.declared; c.Action {
	case Create:
		into, body = o.kind.wire.made(), maps.Clone(o.fields)
		if _, isBlock := into.(*api.BlockDocumentCreate); isBlock { // the server's ids are asked for later
			body["block_type_id"], body["block_schema_id"] = someID, someID
		}
	case Update:
		into, body = o.kind.wire.change(), c.body()
	case Delete, Unchanged:
		return nil
	}
	if o := c.declared; c.Action == Create || o.kind.whole {
		var err error
		if body[o.kind.wire.name], err = json.Marshal(o.ownName()); err != nil {
			return err
		}
	}
	payload, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return err
	}
	return api.Decode(payload, into)
}

var someID = []byte(`"` + uuid.UUID{1}.String() + `"`)

// ownName is what the API calls the object: a queue's name is told without its pool's, a
// block's without its type's.
func (o *Object) ownName() string {
	if _, own, ok := strings.Cut(o.Name, "/"); ok && (o.Kind == queueKind || o.Kind == blockKind) {
		return own
	}
	return o.Name
}

package declare

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// The members of a value in a block's data that stands for another.
const (
	fromEnv  = "from_env"
	fromFile = "from_file"
	another  = "block"
)

// masked is what the server shows in place of a secret.
const masked = "********"

// blocks are named type/name. Their secrets never leave the server in an export: what
// stands there says which variable of the environment has the value.
func blocks() *kind {
	address := byItsID("/block_documents/")
	return &kind{
		name: blockKind, fields: []string{"data"}, filter: "/block_documents/filter",
		wire: wire{"name", typed[api.BlockDocumentCreate], typed[api.BlockDocumentUpdate]},
		read: readBlock, create: createBlock,
		change: func(ctx context.Context, c *client.Client, o *Object, body fields) (request, error) {
			var err error
			if body["data"], err = linked(ctx, c, body["data"]); err != nil {
				return request{}, err
			}
			body["merge_existing_data"] = jsontext.Value("false")
			return request{"PATCH", address(o), body}, nil
		},
		remove: remove(address),
	}
}

func readBlock(item fields) *Object {
	var kind fields
	var data map[string]any
	var references map[string]struct {
		Block fields `json:"block_document"`
	}
	if json.Unmarshal(item["block_type"], &kind) != nil || json.Unmarshal(item["data"], &data) != nil {
		return nil
	}
	_ = json.Unmarshal(item["block_document_references"], &references) // none: nothing to link
	for name, reference := range references {
		var itsKind fields
		if json.Unmarshal(reference.Block["block_type"], &itsKind) == nil {
			data[name] = map[string]any{another: itsKind.text("slug") + "/" + reference.Block.text("name")}
		}
	}
	o := &Object{Name: kind.text("slug") + "/" + item.text("name"), id: item.text("id"), fields: fields{}}
	for name, value := range data {
		if hides(value) {
			o.secrets = append(o.secrets, name)
			data[name] = referring(value, o.Name+"_"+name)
		}
	}
	o.fields["data"], _ = json.Marshal(data, json.Deterministic(true)) // it was JSON before
	return o
}

// hides reports whether a secret stands in a value.
func hides(value any) bool {
	switch v := value.(type) {
	case string:
		return v == masked
	case []any:
		return slices.ContainsFunc(v, hides)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), hides)
	}
	return false
}

// referring puts a reference in place of each secret.
func referring(value any, path string) any {
	switch v := value.(type) {
	case string:
		if v == masked {
			return map[string]any{fromEnv: strings.ToUpper(strings.NewReplacer("/", "_", "-", "_", ".", "_", " ", "_").Replace(path))}
		}
	case []any:
		for i := range v {
			v[i] = referring(v[i], path)
		}
	case map[string]any:
		for name := range v {
			v[name] = referring(v[name], path+"_"+name)
		}
	}
	return value
}

// resolve reads what references to the environment and to files stand for, and reports
// whether there were any.
func resolve(value any) (resolved any, secret bool, err error) {
	switch v := value.(type) {
	case []any:
		for i := range v {
			var s bool
			if v[i], s, err = resolve(v[i]); err != nil {
				return nil, false, err
			}
			secret = secret || s
		}
	case map[string]any:
		if text, ok := only(v, fromEnv); ok {
			found, set := os.LookupEnv(text)
			if !set {
				return nil, false, api.Errorf(api.CodeInvalid, "the variable %s of the environment is not set", text)
			}
			return found, true, nil
		}
		if path, ok := only(v, fromFile); ok {
			text, err := os.ReadFile(path)
			return strings.TrimRight(string(text), "\r\n"), true, err
		}
		for name := range v {
			var s bool
			if v[name], s, err = resolve(v[name]); err != nil {
				return nil, false, err
			}
			secret = secret || s
		}
	}
	return value, secret, nil
}

// only returns the text of an object with this one member.
func only(object map[string]any, member string) (string, bool) {
	text, ok := object[member].(string)
	return text, ok && len(object) == 1
}

func createBlock(ctx context.Context, c *client.Client, o *Object, body fields) (request, error) {
	slug, name, ok := strings.Cut(o.Name, "/")
	if !ok {
		return request{}, api.Errorf(api.CodeInvalid, "a block is named type/name, and %q is not", o.Name)
	}
	kind, err := c.ReadBlockTypeBySlug(ctx, slug)
	if err != nil {
		return request{}, err
	}
	schemas, err := c.ReadBlockSchemas(ctx, &api.ReadBlockSchemasRequest{
		BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, Limit: api.Some(1),
	})
	if err != nil {
		return request{}, err
	}
	if len(schemas) == 0 {
		return request{}, api.Errorf(api.CodeInvalid, "block type %s has no schema; `usher block register` makes one", slug)
	}
	data, err := linked(ctx, c, body["data"])
	if err != nil {
		return request{}, err
	}
	made := fields{"data": data}
	for member, text := range map[string]string{"name": name, "block_type_id": kind.ID.String(), "block_schema_id": schemas[0].ID.String()} {
		if made[member], err = json.Marshal(text); err != nil {
			return request{}, err
		}
	}
	return request{"POST", "/block_documents/", made}, nil
}

// linked puts the ids of other blocks in place of their names.
func linked(ctx context.Context, c *client.Client, data jsontext.Value) (jsontext.Value, error) {
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "data must be an object of the block's values")
	}
	for name, value := range members {
		object, _ := value.(map[string]any)
		other, ok := only(object, another)
		slug, itsName, isName := strings.Cut(other, "/")
		if !ok || !isName {
			continue
		}
		found, err := c.ReadBlockDocumentByNameForBlockType(ctx, slug, itsName, nil)
		if err != nil {
			return nil, err
		}
		members[name] = map[string]any{"$ref": map[string]any{"block_document_id": found.ID.String()}}
	}
	return json.Marshal(members, json.Deterministic(true))
}

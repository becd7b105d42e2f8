package jobtemplate

import (
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Blocks reads the data of block documents, secrets included.
type Blocks interface {
	// BlockByName returns the document's data; a missing one is an error with api.CodeNotFound.
	BlockByName(typeSlug, name string) (map[string]any, error)
	// BlockByID is BlockByName for {"$ref": {"block_document_id": id}}.
	BlockByID(id string) (map[string]any, error)
}

// ResolveBlocks replaces references to block documents by their data.
func ResolveBlocks(tree any, blocks Blocks) (any, error) {
	switch v := tree.(type) {
	case string:
		return resolveBlockText(v, blocks)
	case map[string]any:
		if id, ok := blockRef(v); ok {
			data, err := blocks.BlockByID(id)
			if err != nil {
				return nil, blockError(err, "ID '"+id+"'")
			}
			return Clone(data), nil
		}
	}
	return eachChild(tree, func(child any) (any, error) { return ResolveBlocks(child, blocks) })
}

func blockRef(object map[string]any) (string, bool) {
	ref, _ := object["$ref"].(map[string]any)
	id, ok := ref["block_document_id"].(string)
	return id, ok && id != ""
}

func resolveBlockText(text string, blocks Blocks) (any, error) {
	holes := Placeholders(text)
	if len(holes) == 1 && holes[0].Match == text && holes[0].Kind == KindBlock {
		return blockValue(holes[0], text, blocks)
	}
	out := text
	for _, hole := range holes {
		if hole.Kind != KindBlock {
			continue
		}
		value, err := blockValue(hole, text, blocks)
		if err != nil {
			return nil, err
		}
		switch value.(type) {
		case map[string]any, []any:
			return nil, api.Errorf(api.CodeInvalid, "template %q: %s is %s and can't stand inside text; pick one of its values, such as %s.value",
				text, hole.Match, kindOf(value), hole.Name)
		}
		out = strings.ReplaceAll(out, hole.Match, Text(value))
	}
	return out, nil
}

func blockValue(hole Placeholder, template string, blocks Blocks) (any, error) {
	slug, rest, ok := strings.Cut(strings.TrimPrefix(hole.Name, blockPrefix), ".")
	if !ok {
		return nil, api.Errorf(api.CodeInvalid, "%q is no block reference; write prefect.blocks.<block-type>.<block-name>", hole.Name)
	}
	name, path, hasPath := strings.Cut(rest, ".")
	data, err := blocks.BlockByName(slug, name)
	if err != nil {
		return nil, blockError(err, "'"+name+"' of type '"+slug+"'")
	}
	var value any = data
	if only, isOnly := data["value"]; isOnly && len(data) == 1 && (!hasPath || !strings.HasPrefix(path, "value")) {
		value = only
	}
	if hasPath {
		if value, ok = Lookup(value, path); !ok {
			return nil, api.Errorf(api.CodeInvalid, "template %q: block %s/%s has no value at %q", template, slug, name, path)
		}
	}
	return Clone(value), nil
}

func blockError(err error, which string) error {
	if api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	return api.Errorf(api.CodeNotFound,
		"Block not found: %s. The deployment or its work pool refers to it; create it again or correct the reference: %w", which, err)
}

// ResolveVariables replaces references to variables by their values, read by name; a
// variable that does not exist becomes empty text.
func ResolveVariables(tree any, read func(name string) (value any, found bool, err error)) (any, error) {
	text, ok := tree.(string)
	if !ok {
		return eachChild(tree, func(child any) (any, error) { return ResolveVariables(child, read) })
	}
	holes := Placeholders(text)
	if len(holes) == 1 && holes[0].Match == text && holes[0].Kind == KindVariable {
		return variable(holes[0], read)
	}
	for _, hole := range holes {
		if hole.Kind != KindVariable {
			continue
		}
		value, err := variable(hole, read)
		if err != nil {
			return nil, err
		}
		text = strings.ReplaceAll(text, hole.Match, Text(value))
	}
	return text, nil
}

func variable(hole Placeholder, read func(string) (any, bool, error)) (any, error) {
	value, found, err := read(strings.TrimPrefix(hole.Name, variablePrefix))
	if err != nil || found {
		return value, err
	}
	return "", nil
}

// eachChild rebuilds an object or list from what f makes of its parts.
func eachChild(tree any, f func(any) (any, error)) (any, error) {
	var err error
	switch v := tree.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if out[key], err = f(value); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			if out[i], err = f(value); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return tree, nil
}

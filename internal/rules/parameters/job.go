package parameters

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// CheckTemplate returns what is wrong with a base job template: a part is missing, or
// the job names a variable that is not declared.
func CheckTemplate(template jsontext.Value) error {
	tree, err := jobtemplate.ParseObject(template)
	if err != nil || len(tree) == 0 {
		return err
	}
	job, _ := tree["job_configuration"].(map[string]any)
	variables, _ := tree["variables"].(map[string]any)
	if len(job) == 0 || len(variables) == 0 {
		return api.Errorf(api.CodeInvalid, "The `base_job_template` must contain both a `job_configuration` key and a `variables` key.")
	}
	declared, _ := variables["properties"].(map[string]any)
	text, err := json.Marshal(job, json.Deterministic(true))
	if err != nil {
		return err
	}
	var missing []string
	for _, p := range jobtemplate.Placeholders(string(text)) {
		if _, ok := declared[p.Name]; !ok && !slices.Contains(missing, p.Name) {
			missing = append(missing, p.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return api.Errorf(api.CodeInvalid, "The variables specified in the job configuration template must be present as properties in the variables schema. "+
		"Your job configuration uses the following undeclared variable(s): %s.", strings.Join(missing, " ,"))
}

// Blocks reads the values of the block with that id.
type Blocks func(id string) (jsontext.Value, error)

// Defaults returns the defaults of a schema of variables; those that refer to a block
// are its values.
func Defaults(schema jsontext.Value, blocks Blocks) (jsontext.Value, error) {
	root, err := jsonschema.Parse(schema)
	if err != nil {
		return nil, err
	}
	defaults, _, err := defaultsOf(root, blocks, func(any, any) bool { return true })
	return defaults, err
}

// ValidDefaults is Defaults without those that do not fit the schema; dropped says that
// there were some.
func ValidDefaults(schema jsontext.Value, blocks Blocks) (defaults jsontext.Value, dropped bool, err error) {
	root, err := jsonschema.Parse(schema)
	if err != nil {
		return nil, false, err
	}
	optional := withoutRequired(jsonschema.Clone(root))
	return defaultsOf(root, blocks, func(name, v any) bool {
		one := jsonschema.NewObject()
		key, _ := name.(string)
		one.Set(key, v)
		found, err := (&jsonschema.Schema{Root: optional, Formats: true}).Errors(one)
		return err == nil && len(found) == 0
	})
}

func defaultsOf(root any, blocks Blocks, keep func(name, v any) bool) (jsontext.Value, bool, error) {
	out, dropped := jsonschema.NewObject(), false
	schema, _ := root.(*jsonschema.Object)
	if schema == nil {
		return jsontext.Value("{}"), false, nil
	}
	properties := objectAt(schema, "properties")
	if properties == nil {
		return jsontext.Value("{}"), false, nil
	}
	for _, name := range properties.Names() {
		property := objectAt(properties, name)
		if property == nil {
			continue
		}
		v, ok := property.Get("default")
		if !ok {
			continue
		}
		v, ok, err := resolved(v, blocks)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		if !keep(name, v) {
			dropped = true
			continue
		}
		out.Set(name, v)
	}
	text, err := json.Marshal(out)
	return text, dropped, err
}

// resolved replaces a reference to a block by the block's values; ok is false for a
// reference to nothing.
func resolved(v any, blocks Blocks) (value any, ok bool, err error) {
	object, isObject := v.(*jsonschema.Object)
	if !isObject {
		return v, true, nil
	}
	if _, isRef := object.Get("$ref"); !isRef {
		return v, true, nil
	}
	ref := objectAt(object, "$ref")
	if ref == nil {
		return nil, false, nil
	}
	id, _ := ref.Get("block_document_id")
	text, isText := id.(string)
	if !isText {
		return nil, false, nil
	}
	data, err := blocks(text)
	if err != nil {
		return nil, false, err
	}
	value, err = jsonschema.Parse(data)
	return value, true, err
}

package parameters

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jsonschema"
)

// Rule says how values are checked.
type Rule struct {
	IgnoreRequired  bool // nothing is required
	NullWithDefault bool // null also goes for properties that have a default
}

// MismatchError is the error of values that do not fit their schema.
type MismatchError struct {
	Field  string // where, empty for the values as a whole
	Reason string
}

// Error is the sentence of the reference.
func (m *MismatchError) Error() string {
	if m.Field == "" {
		return "Validation failed. Failure reason: " + m.Reason
	}
	return "Validation failed for field " + jsonschema.Repr(m.Field) + ". Failure reason: " + m.Reason
}

// ErrCircular is the error of a schema that refers to itself without an end.
var ErrCircular = jsonschema.ErrCircular

// Validate checks values against a schema; what does not fit is a *MismatchError.
func Validate(values, schema jsontext.Value, rule Rule) error {
	tree, err := jsonschema.Parse(values)
	if err != nil {
		return err
	}
	root, err := jsonschema.Parse(schema)
	if err != nil {
		return err
	}
	return match(tree, prepared(root, rule))
}

func match(values, root any) error {
	found, err := (&jsonschema.Schema{Root: root}).Errors(values)
	if _, unresolved := errors.AsType[*jsonschema.UnresolvedError](err); unresolved {
		return &MismatchError{Reason: err.Error()}
	}
	if best := jsonschema.Best(found); err == nil && best != nil {
		mismatch := &MismatchError{Reason: best.Message}
		if len(best.Path) > 0 {
			mismatch.Field = strings.ReplaceAll(best.JSONPath(), "$.", "")
		}
		return mismatch
	}
	return err
}

// CheckSchema returns what is wrong with a schema, in the words of the reference.
func CheckSchema(schema jsontext.Value) error {
	problem, err := SchemaProblem(schema)
	if err == nil && problem != "" {
		return api.Errorf(api.CodeInvalid, "Invalid schema: %s", problem)
	}
	return err
}

// SchemaProblem is CheckSchema without a sentence around it.
func SchemaProblem(schema jsontext.Value) (string, error) {
	root, err := jsonschema.Parse(schema)
	if err != nil {
		return "", err
	}
	problem, err := jsonschema.CheckSchema(root)
	if err != nil || problem == nil {
		return "", err
	}
	return problem.Message, nil
}

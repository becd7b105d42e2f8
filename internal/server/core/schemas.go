package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/parameters"
	"github.com/usherhq/usher/internal/store"
)

// CheckValues says what is wrong with values by a schema, each complaint at its place.
func (c *Core) CheckValues(ctx context.Context, who Caller, schema, values jsontext.Value) (*api.SchemaValuesValidationResponse, error) {
	if err := parameters.CheckSchema(schema); err != nil {
		return nil, &api.Error{Code: api.CodeInvalid, Message: err.Error(), Cause: err}
	}
	variables, err := value(ctx, c, who, variableValues)
	if err != nil {
		return nil, err
	}
	report, err := parameters.Report(values, schema, variables)
	var mismatch *parameters.MismatchError
	if errors.As(err, &mismatch) {
		return nil, &api.Error{Code: api.CodeInvalid, Message: "Invalid schema: " + mismatch.Error(), Cause: err}
	}
	return report, circular(err)
}

// variableValues returns the value of every variable by its name.
func variableValues(tx *store.Tx) (map[string]jsontext.Value, error) {
	list, err := tx.Variables(nil, "", -1, 0)
	values := make(map[string]jsontext.Value, len(list))
	for _, v := range list {
		values[v.Name] = v.Value
	}
	return values, err
}

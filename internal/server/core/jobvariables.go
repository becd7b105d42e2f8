package core

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/parameters"
	"github.com/usherhq/usher/internal/store"
)

// jobTemplate is what validation reads of a work pool's base job template.
type jobTemplate struct {
	Variables jsontext.Value `json:"variables"`
}

func readTemplate(template jsontext.Value) (job jobTemplate, err error) {
	return job, json.Unmarshal(api.Object(template), &job)
}

// CheckTemplate says what is wrong with a work pool's base job template, if anything.
func CheckTemplate(template jsontext.Value) error { return parameters.CheckTemplate(template) }

// checkPoolDefaults compares the defaults of a pool's variables with their schema.
func (w *work) checkPoolDefaults(template jsontext.Value) error {
	job, err := readTemplate(template)
	if err != nil || len(job.Variables) == 0 || isEmptyObject(job.Variables) {
		return err
	}
	if err := parameters.CheckSchema(job.Variables); err != nil {
		return &api.Error{Code: api.CodeInvalid, Message: err.Error()}
	}
	defaults, err := parameters.Defaults(job.Variables, w.blockData)
	if err != nil {
		return err
	}
	err = parameters.Validate(defaults, job.Variables, parameters.Rule{IgnoreRequired: true, NullWithDefault: true})
	return reworded(err, api.CodeInvalid, "Validation failed for work pool's job variable defaults: ")
}

// checkJobVariables compares job variables, on top of the pool's defaults, with what the
// pool allows. Defaults that are wrong themselves are left out; then nothing can be said
// about what is required.
func (w *work) checkJobVariables(template jsontext.Value, required bool, variables ...jsontext.Value) error {
	job, err := readTemplate(template)
	if err != nil || len(job.Variables) == 0 || isEmptyObject(job.Variables) {
		return err
	}
	defaults, dropped, err := parameters.ValidDefaults(job.Variables, w.blockData)
	if err != nil {
		return err
	}
	all, err := mergeObjects(append([]jsontext.Value{defaults}, variables...)...)
	if err != nil {
		return err
	}
	return parameters.Validate(all, job.Variables, parameters.Rule{IgnoreRequired: !required || dropped, NullWithDefault: true})
}

// blockData reads the values of a block that a variable's default refers to.
func (w *work) blockData(text string) (jsontext.Value, error) {
	missing := api.Errorf(api.CodeNotFound, "Block not found.")
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, missing
	}
	d, err := w.core.document(w.Tx, id, true)
	if errors.Is(err, store.ErrNoRows) || api.CodeOf(err) == api.CodeNotFound {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	return api.Object(d.Data), nil
}

// checkRunParameters compares the parameters of a run with the schema of its deployment.
func checkRunParameters(values, schema jsontext.Value, rule parameters.Rule) error {
	if schema.Kind() != '{' {
		return api.Errorf(api.CodeConflict, "Error updating deployment: Cannot update parameters because parameter schema enforcement is enabled and the deployment does not have a valid parameter schema.")
	}
	return circular(parameters.Validate(values, schema, rule))
}

// CheckDeploymentParameters compares the parameters of a deployment that is created with
// its schema, if the request itself asks for that.
func CheckDeploymentParameters(in *api.DeploymentCreate) error {
	schema := in.ParameterOpenapiSchema.Or(nil)
	if !in.EnforceParameterSchema.Or(false) || schema.Kind() != '{' {
		return nil
	}
	problem, err := parameters.SchemaProblem(schema)
	if err != nil {
		return err
	}
	if problem != "" {
		return api.Errorf(api.CodeInvalid, "The provided schema is not a valid json schema. Schema error: %s", problem)
	}
	return parameters.Validate(api.Object(in.Parameters.Or(nil)), schema, parameters.Rule{IgnoreRequired: true})
}

// circular words a schema that refers to itself for ever.
func circular(err error) error {
	if errors.Is(err, parameters.ErrCircular) {
		return api.Errorf(api.CodeInvalid, "Invalid schema: Unable to validate schema with circular references.")
	}
	return err
}

// hydrate gives parameters the values that their placeholders stand for.
func (w *work) hydrate(values jsontext.Value) (jsontext.Value, error) {
	if !parameters.HasPlaceholder(values) {
		return values, nil
	}
	variables, err := variableValues(w.Tx)
	if err != nil {
		return nil, err
	}
	return parameters.Hydrate(values, parameters.Filling{Variables: variables, Env: jinja.Env{Now: w.now.Time}})
}

// PreviewJob is the job that a base job template makes of the defaults of its variables.
func PreviewJob(template jsontext.Value) (map[string]any, error) {
	if err := CheckTemplate(template); err != nil {
		return nil, &api.Error{Code: api.CodeInvalid, Message: err.Error(), Cause: err}
	}
	var tree map[string]any
	if err := json.Unmarshal(template, &tree); err != nil {
		return nil, err
	}
	job, _ := tree["job_configuration"].(map[string]any)
	return jobtemplate.ApplyObject(job, jobtemplate.Defaults(tree), jobtemplate.Options{KeepUnset: true}), nil
}

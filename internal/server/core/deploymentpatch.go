package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/parameters"
)

// UpdateDeployment changes what the request names of a deployment.
func (c *Core) UpdateDeployment(ctx context.Context, who Caller, id uuid.UUID, in *api.DeploymentUpdate) error {
	return c.write(ctx, who, func(w *work) error {
		d, err := w.knownDeployment(id, "Deployment not found.")
		if err != nil {
			return err
		}
		return w.updateDeployment(d, in)
	})
}

func (w *work) updateDeployment(d *api.DeploymentResponse, in *api.DeploymentUpdate) error {
	plan, err := planSchedules(d.Schedules, in.Schedules)
	if err != nil {
		return err
	}
	ch, err := w.deploymentChanges(in, "updating")
	if err != nil {
		return err
	}
	if err := errors.Join(w.blockThere(in.InfrastructureDocumentID.Ptr()), w.blockThere(in.StorageDocumentID.Ptr())); err != nil {
		return err
	}
	values, err := w.updatedParameters(d, in)
	if err != nil {
		return err
	}
	if in.Parameters.Or(nil).Kind() == '{' {
		ch.set("parameters", values)
	}
	if err := w.writeDeployment(d.ID, ch); err != nil {
		return err
	}
	if err := w.applySchedules(d.ID, plan); err != nil {
		return err
	}
	if err := w.limitDeployment(d, in.ConcurrencyLimit); err != nil {
		return err
	}
	after, err := w.Deployment(d.ID)
	if err != nil {
		return err
	}
	if err := w.makeVersion(after, in.VersionInfo); err != nil {
		return err
	}
	return w.tellOfDeployment(d, after)
}

// updatedParameters are the parameters that a deployment will have, checked against the
// schema that it will have.
func (w *work) updatedParameters(d *api.DeploymentResponse, in *api.DeploymentUpdate) (jsontext.Value, error) {
	values := d.Parameters
	if given := in.Parameters.Or(nil); given.Kind() == '{' {
		hydrated, err := w.hydrate(given)
		if err != nil {
			return nil, unhydrated(err, "Error hydrating deployment parameters: ")
		}
		values = hydrated
	}
	if !in.EnforceParameterSchema.Or(d.EnforceParameterSchema) {
		return values, nil
	}
	schema := d.ParameterOpenapiSchema
	if given, ok := in.ParameterOpenapiSchema.Get(); ok && !isEmptyObject(given) {
		schema = given
	}
	err := checkRunParameters(values, schema, parameters.Rule{IgnoreRequired: true})
	return values, reworded(err, api.CodeConflict, "Error updating deployment: ")
}

// unhydrated words a placeholder in parameters that can't be filled.
func unhydrated(err error, prefix string) error {
	if problem, is := errors.AsType[*parameters.HydrationError](err); is {
		return &api.Error{Code: api.CodeMalformed, Message: prefix + problem.Error(), Cause: err}
	}
	return err
}

package core

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

func (w *work) emitDeployment(what string, d *api.DeploymentResponse, payload jsontext.Value) error {
	related, err := w.relatedToDeployment(d)
	if err != nil {
		return err
	}
	e := w.about("prefect.deployment."+what, resource("deployment", d.ID, d.Name), related...)
	e.Payload = payload
	return w.emit(e)
}

const roleLabel = "prefect.resource.role"

func (w *work) relatedToDeployment(d *api.DeploymentResponse) ([]map[string]string, error) {
	flow, err := w.Flow(d.FlowID)
	if err != nil {
		return nil, err
	}
	related := []map[string]string{resource("flow", flow.ID, flow.Name, roleLabel, "flow")}
	if d.WorkQueueID != nil {
		q, p, err := queueByID(w.Tx, *d.WorkQueueID)
		if err != nil {
			return nil, err
		}
		related = append(related, resource("work-queue", q.ID, q.Name, roleLabel, "work-queue"), poolResource(p, roleLabel, "work-pool"))
	}
	for _, block := range []struct {
		id   *uuid.UUID
		role string
	}{{d.StorageDocumentID, "storage"}, {d.InfrastructureDocumentID, "infrastructure"}} {
		if block.id != nil {
			related = append(related, resource("block-document", *block.id, "", roleLabel, block.role))
		}
	}
	if d.GlobalConcurrencyLimit != nil {
		related = append(related, resource("concurrency-limit", d.GlobalConcurrencyLimit.ID, "", roleLabel, "concurrency-limit"))
	}
	return related, nil
}

// tellOfDeployment emits what a change did to a deployment, if it did anything.
func (w *work) tellOfDeployment(before, after *api.DeploymentResponse) error {
	ch := &changes{}
	err := errors.Join(
		ch.note("description", before.Description, after.Description),
		ch.note("tags", before.Tags, after.Tags),
		ch.note("parameters", before.Parameters, after.Parameters),
		ch.note("parameter_openapi_schema", before.ParameterOpenapiSchema, after.ParameterOpenapiSchema),
		ch.note("enforce_parameter_schema", before.EnforceParameterSchema, after.EnforceParameterSchema),
		ch.note("entrypoint", before.Entrypoint, after.Entrypoint),
		ch.note("path", before.Path, after.Path),
		ch.note("pull_steps", before.PullSteps, after.PullSteps),
		ch.note("work_queue_id", before.WorkQueueID, after.WorkQueueID),
		ch.note("infra_overrides", before.JobVariables, after.JobVariables),
		ch.note("paused", before.Paused, after.Paused),
		ch.note("labels", before.Labels, after.Labels),
		ch.note("version", before.Version, after.Version),
		ch.note("concurrency_limit_id", limitID(before), limitID(after)),
		ch.note("concurrency_options", before.ConcurrencyOptions, after.ConcurrencyOptions),
	)
	if err != nil || len(ch.fields) == 0 {
		return err
	}
	payload, err := ch.payload()
	if err != nil {
		return err
	}
	return w.emitDeployment("updated", after, payload)
}

func limitID(d *api.DeploymentResponse) *uuid.UUID {
	if d.GlobalConcurrencyLimit == nil {
		return nil
	}
	return &d.GlobalConcurrencyLimit.ID
}

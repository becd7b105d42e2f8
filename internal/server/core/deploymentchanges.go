package core

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/parameters"
	"github.com/usherhq/usher/internal/store"
)

// deploymentChanges checks a change of a deployment and says which columns it writes,
// but for schedules, parameters and the limit of its own. doing is "creating" or
// "updating".
func (w *work) deploymentChanges(in *api.DeploymentUpdate, doing string) (*changes, error) {
	ch := &changes{}
	patch(ch, "version", in.Version)
	patch(ch, "description", in.Description)
	patch(ch, "path", in.Path)
	patch(ch, "entrypoint", in.Entrypoint)
	patch(ch, "storage_document_id", in.StorageDocumentID)
	patch(ch, "infrastructure_document_id", in.InfrastructureDocumentID)
	patch(ch, "parameter_openapi_schema", in.ParameterOpenapiSchema)
	patch(ch, "work_queue_name", in.WorkQueueName)
	patchNotNull(ch, "paused", in.Paused)
	patchNotNull(ch, "enforce_parameter_schema", in.EnforceParameterSchema)
	patchNotNull(ch, "job_variables", in.JobVariables)
	patchNotNull(ch, "tags", in.Tags)
	return ch, errors.Join(
		patchJSON(ch, "pull_steps", in.PullSteps),
		patchJSON(ch, "concurrency_options", in.ConcurrencyOptions),
		w.sharedLimit(ch, in.GlobalConcurrencyLimitID),
		w.deploymentQueue(ch, in, doing),
	)
}

// patchNotNull writes a column when the request has a value for it.
func patchNotNull[T any](c *changes, column string, o api.Opt[T]) {
	if v, ok := o.Get(); ok {
		c.set(column, v)
	}
}

// patchJSON writes a JSON column when the request has it.
func patchJSON[T any](c *changes, column string, o api.Opt[T]) error {
	v, ok := o.Get()
	if !ok {
		patch(c, column, o)
		return nil
	}
	text, err := canonical(v)
	c.set(column, text)
	return err
}

// sharedLimit links a deployment to a limit that others may use too.
func (w *work) sharedLimit(ch *changes, limit api.Opt[uuid.UUID]) error {
	if id, ok := limit.Get(); ok {
		there, err := w.HasConcurrencyLimit(id)
		if err != nil {
			return err
		}
		if !there {
			return api.NotFound("Concurrency limit")
		}
	}
	patch(ch, "concurrency_limit_id", limit)
	return nil
}

// deploymentQueue puts a deployment into a work queue: the named one of a pool, which is
// made if it is missing, or the pool's default.
func (w *work) deploymentQueue(ch *changes, in *api.DeploymentUpdate, doing string) error {
	poolName, queueName := in.WorkPoolName.Or(""), in.WorkQueueName.Or("")
	switch {
	case poolName != "":
		return w.poolQueue(ch, in, doing)
	case in.WorkPoolName.IsNull() && doing == "updating":
		ch.set("work_queue_id", nil)
	case queueName != "":
		q, err := w.agentQueue(queueName)
		if err != nil {
			return err
		}
		ch.set("work_queue_id", q.ID)
	}
	return nil
}

func (w *work) poolQueue(ch *changes, in *api.DeploymentUpdate, doing string) error {
	p, err := w.poolOrAgents(in.WorkPoolName.Or(""))
	if err != nil {
		return err
	}
	if err := w.checkDeploymentVariables(p, in, doing); err != nil {
		return err
	}
	name := in.WorkQueueName.Or("")
	if name == "" {
		ch.set("work_queue_id", p.DefaultQueueID)
		return nil
	}
	q, err := w.queueOrNew(p, name)
	if err != nil {
		return err
	}
	ch.set("work_queue_id", q.ID)
	return nil
}

// queueOrNew reads a queue of a pool, making it if there is none of the name.
func (w *work) queueOrNew(p *api.WorkPoolResponse, name string) (*api.WorkQueueResponse, error) {
	q, err := w.WorkQueueByName(p.ID, name)
	if errors.Is(err, store.ErrNoRows) {
		return w.newQueue(p, &api.WorkQueueCreate{Name: name})
	}
	return q, err
}

// agentsPool is the pool of the work queues that are named without one.
const agentsPool = "default-agent-pool"

// poolOrAgents reads a pool by name; the one of queues without a pool is made on demand.
func (w *work) poolOrAgents(name string) (*api.WorkPoolResponse, error) {
	p, err := w.WorkPool(name)
	if !errors.Is(err, store.ErrNoRows) {
		return p, err
	}
	if name != agentsPool {
		return nil, api.Errorf(api.CodeNotFound, "Work pool \"%s\" not found.", name)
	}
	return w.newPool(&api.WorkPoolCreate{Name: name, Type: api.Some(agentPool)})
}

// agentQueue is the queue of a name that says no pool, made if it is missing.
func (w *work) agentQueue(name string) (*api.WorkQueueResponse, error) {
	p, err := w.poolOrAgents(agentsPool)
	if err != nil {
		return nil, err
	}
	q, err := w.WorkQueueByName(p.ID, name)
	if errors.Is(err, store.ErrNoRows) {
		return w.newQueue(p, &api.WorkQueueCreate{Name: name, Priority: api.Some(1)})
	}
	return q, err
}

// checkDeploymentVariables compares the job variables of a deployment with what its pool
// allows. A changed deployment is checked without the pool's defaults, as the reference
// does it.
func (w *work) checkDeploymentVariables(p *api.WorkPoolResponse, in *api.DeploymentUpdate, doing string) error {
	variables, ok := in.JobVariables.Get()
	if !ok || p.Name == agentsPool {
		return nil
	}
	if doing == "creating" {
		if isEmptyObject(variables) {
			return nil
		}
		err := w.checkJobVariables(p.BaseJobTemplate, false, variables)
		return reworded(err, api.CodeInvalid, "Error creating deployment: ")
	}
	job, err := readTemplate(p.BaseJobTemplate)
	if err != nil || len(job.Variables) == 0 {
		return err
	}
	err = parameters.Validate(variables, job.Variables, parameters.Rule{IgnoreRequired: true})
	if mismatch, is := errors.AsType[*parameters.MismatchError](err); is {
		return api.Errorf(api.CodeConflict, "Error creating deployment: <ValidationError: %s>", strconv.Quote(mismatch.Reason))
	}
	return err
}

// reworded gives a mismatch of parameters or variables its code and beginning.
func reworded(err error, code api.Code, prefix string) error {
	if mismatch, is := errors.AsType[*parameters.MismatchError](err); is {
		return &api.Error{Code: code, Message: prefix + mismatch.Error(), Cause: err}
	}
	return err
}

func isEmptyObject(v []byte) bool {
	var object map[string]any
	return json.Unmarshal(v, &object) == nil && len(object) == 0
}

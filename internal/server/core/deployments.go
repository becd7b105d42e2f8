package core

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// CreateDeployment makes a deployment, or changes the one of the same flow and name to
// what the request says. Its schedules are those of the request.
func (c *Core) CreateDeployment(ctx context.Context, who Caller, in *api.DeploymentCreate) (*api.DeploymentResponse, bool, error) {
	var d *api.DeploymentResponse
	isNew := false
	err := c.write(ctx, who, func(w *work) (err error) {
		d, isNew, err = w.upsertDeployment(in)
		return err
	})
	return d, isNew, err
}

func (w *work) upsertDeployment(in *api.DeploymentCreate) (d *api.DeploymentResponse, isNew bool, err error) {
	ch, err := w.deploymentChanges(asUpdate(in), "creating")
	if err != nil {
		return nil, false, err
	}
	if err := w.checkDocuments(in); err != nil {
		return nil, false, err
	}
	before, isNew, err := w.deploymentRow(in)
	if err != nil {
		return nil, false, err
	}
	labels, err := w.deploymentLabels(in)
	if err != nil {
		return nil, false, err
	}
	ch.set("labels", labels)
	ch.set("parameters", api.Object(in.Parameters.Or(nil)))
	if err := w.writeDeployment(before.ID, ch); err != nil {
		return nil, false, err
	}
	if err := w.applySchedules(before.ID, &schedulePlan{replace: true, create: in.Schedules.Or(nil)}); err != nil {
		return nil, false, err
	}
	if err := w.limitDeployment(before, in.ConcurrencyLimit); err != nil {
		return nil, false, err
	}
	if err := w.placeBranch(before.ID, in); err != nil {
		return nil, false, err
	}
	if d, err = w.Deployment(before.ID); err != nil {
		return nil, false, err
	}
	if err := w.makeVersion(d, in.VersionInfo); err != nil {
		return nil, false, err
	}
	if isNew {
		return d, true, w.emitDeployment("created", d, nil)
	}
	return d, false, w.tellOfDeployment(before, d)
}

// asUpdate is a creation as the change that it makes to an empty deployment.
func asUpdate(in *api.DeploymentCreate) *api.DeploymentUpdate {
	return &api.DeploymentUpdate{
		Version: in.Version, Description: in.Description, Paused: in.Paused, ConcurrencyOptions: in.ConcurrencyOptions,
		GlobalConcurrencyLimitID: in.GlobalConcurrencyLimitID, ParameterOpenapiSchema: in.ParameterOpenapiSchema, Tags: in.Tags,
		WorkQueueName: in.WorkQueueName, WorkPoolName: in.WorkPoolName, Path: in.Path, JobVariables: in.JobVariables,
		PullSteps: in.PullSteps, Entrypoint: in.Entrypoint, StorageDocumentID: in.StorageDocumentID,
		InfrastructureDocumentID: in.InfrastructureDocumentID, EnforceParameterSchema: in.EnforceParameterSchema,
	}
}

// placeBranch writes what of a creation no change of a deployment can say.
func (w *work) placeBranch(id uuid.UUID, in *api.DeploymentCreate) error {
	ch := &changes{}
	patch(ch, "branch", in.Branch)
	patch(ch, "base_id", in.Base)
	patch(ch, "root_id", in.Root)
	patchNotNull(ch, "disabled", in.Disabled)
	if len(ch.sets) == 0 {
		return nil
	}
	_, err := w.SetDeployment(id, ch.sets...)
	return err
}

// deploymentRow reads the deployment that the request means, or makes an empty one.
func (w *work) deploymentRow(in *api.DeploymentCreate) (*api.DeploymentResponse, bool, error) {
	d, err := w.DeploymentOfFlow(in.FlowID, in.Name)
	if !errors.Is(err, store.ErrNoRows) {
		return d, false, err
	}
	none := jsontext.Value("{}")
	d = &api.DeploymentResponse{
		ID: newID(), Created: &w.now, Updated: &w.now, Name: in.Name, FlowID: in.FlowID, Parameters: none,
		ParameterOpenapiSchema: none, JobVariables: none, CreatedBy: w.who.By,
	}
	isNew, err := w.InsertDeployment(d)
	if err != nil || isNew {
		return d, true, err
	}
	d, err = w.DeploymentOfFlow(in.FlowID, in.Name) // another one was quicker
	return d, false, err
}

func (w *work) deploymentLabels(in *api.DeploymentCreate) (jsontext.Value, error) {
	flow, err := w.Flow(in.FlowID)
	if err != nil {
		return nil, err
	}
	system := jsontext.Value(`{"prefect.flow.id":"` + in.FlowID.String() + `"}`)
	return mergeObjects(flow.Labels, system, in.Labels.Or(nil))
}

// sign notes who makes the changes of an object, where that is known.
func (w *work) sign(ch *changes) error {
	if w.who.By == nil {
		return nil
	}
	by, err := canonical(w.who.By)
	ch.set("updated_by", by)
	return err
}

// writeDeployment writes the changes; the runs made for the deployment as it was go.
func (w *work) writeDeployment(id uuid.UUID, ch *changes) error {
	ch.set("updated", w.now)
	if err := w.sign(ch); err != nil {
		return err
	}
	if _, err := w.SetDeployment(id, ch.sets...); err != nil {
		return err
	}
	if err := w.planAnew(id); err != nil {
		return err
	}
	return w.DeleteScheduledRuns(id, store.ScheduledRuns{AutoOnly: true, After: &w.now})
}

// limitDeployment sets or takes away the limit on runs that go at once, if asked for.
func (w *work) limitDeployment(d *api.DeploymentResponse, limit api.Opt[int]) error {
	if !limit.IsSet() {
		return nil
	}
	n, ok := limit.Get()
	if !ok {
		return w.UnlimitDeployment(d.ID)
	}
	return w.LimitDeployment(d, newID(), n, w.now)
}

// checkDocuments refuses references to blocks that are not there.
func (w *work) checkDocuments(in *api.DeploymentCreate) error {
	for _, ref := range []struct {
		id   api.Opt[uuid.UUID]
		kind string
	}{{in.InfrastructureDocumentID, "infrastructure"}, {in.StorageDocumentID, "storage"}} {
		id, ok := ref.id.Get()
		if !ok {
			continue
		}
		there, err := w.HasBlockDocument(id)
		if err != nil {
			return err
		}
		if !there {
			return api.Errorf(api.CodeConflict, "Error creating deployment. Could not find %s block with id: %s. This usually occurs when applying a deployment specification that was built against a different Prefect database / workspace.", ref.kind, id)
		}
	}
	return nil
}

// blockThere refuses to name a block that is not there; nil names none.
func (w *work) blockThere(id *uuid.UUID) error {
	if id == nil {
		return nil
	}
	there, err := w.HasBlockDocument(*id)
	if err == nil && !there {
		err = refused(store.ErrForeignKey)
	}
	return err
}

// Deployment returns a deployment by its id.
func (c *Core) Deployment(ctx context.Context, who Caller, id uuid.UUID) (*api.DeploymentResponse, error) {
	return found("Deployment", func() (*api.DeploymentResponse, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.DeploymentResponse, error) {
			d, err := tx.Deployment(id)
			return ofTheRun(tx, who, d, err)
		})
	})
}

// DeploymentByName returns a deployment by the name of its flow and its own.
func (c *Core) DeploymentByName(ctx context.Context, who Caller, flow, name string) (*api.DeploymentResponse, error) {
	return found("Deployment", func() (*api.DeploymentResponse, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.DeploymentResponse, error) {
			d, err := tx.DeploymentByName(flow, name)
			return ofTheRun(tx, who, d, err)
		})
	})
}

// Deployments lists deployments.
func (c *Core) Deployments(ctx context.Context, who Caller, f store.Filters, sort api.DeploymentSort, limit, offset int) ([]api.DeploymentResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.DeploymentResponse, error) {
		return tx.Deployments(f, sort, limit, offset)
	})
}

// CountDeployments counts deployments.
func (c *Core) CountDeployments(ctx context.Context, who Caller, f store.Filters) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountDeployments(f) })
}

// DeleteDeployment deletes a deployment and its runs that wait to be started.
func (c *Core) DeleteDeployment(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		d, err := w.knownDeployment(id, "Deployment not found")
		if err != nil {
			return err
		}
		return w.deleteDeployment(d)
	})
}

func (w *work) deleteDeployment(d *api.DeploymentResponse) error {
	if err := w.DeleteScheduledRuns(d.ID, store.ScheduledRuns{}); err != nil {
		return err
	}
	if err := w.emitDeployment("deleted", d, nil); err != nil {
		return err
	}
	if err := w.UnlimitDeployment(d.ID); err != nil {
		return err
	}
	if err := w.Tx.DeleteAutomationsOwnedBy(deploymentResource(d.ID)); err != nil {
		return err
	}
	if err := w.DeleteSLAsOf(deploymentResource(d.ID)); err != nil {
		return err
	}
	return w.Tx.DeleteDeployment(d.ID)
}

// BulkDeleteDeployments deletes up to limit deployments and returns their ids.
func (c *Core) BulkDeleteDeployments(ctx context.Context, who Caller, f *api.DeploymentFilter, limit int) ([]uuid.UUID, error) {
	var deleted []uuid.UUID
	err := c.write(ctx, who, func(w *work) error {
		deleted = []uuid.UUID{}
		list, err := w.Deployments(store.Filters{Deployments: f}, api.DeploymentSortNameAsc, limit, 0)
		if err != nil {
			return err
		}
		for i := range list {
			if err := w.deleteDeployment(&list[i]); err != nil {
				return err
			}
			deleted = append(deleted, list[i].ID)
		}
		return nil
	})
	return deleted, err
}

// knownDeployment reads a deployment that a use case needs.
func (w *work) knownDeployment(id uuid.UUID, message string) (*api.DeploymentResponse, error) {
	d, err := w.Deployment(id)
	if errors.Is(err, store.ErrNoRows) {
		return nil, &api.Error{Code: api.CodeNotFound, Message: message}
	}
	return d, err
}

// PauseDeployment keeps a deployment's schedules from making runs, and takes back those
// that they made.
func (c *Core) PauseDeployment(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error { return w.pauseDeployment(id) })
}

func (w *work) pauseDeployment(id uuid.UUID) error {
	if err := w.setPaused(id, true); err != nil {
		return err
	}
	return w.DeleteScheduledRuns(id, store.ScheduledRuns{AutoOnly: true})
}

// ResumeDeployment lets a deployment's schedules make runs again.
func (c *Core) ResumeDeployment(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error { return w.setPaused(id, false) })
}

func (w *work) setPaused(id uuid.UUID, paused bool) error {
	return w.switchDeployment(id, "paused", paused)
}

// DisableDeployment keeps anybody from making runs of a deployment, and takes back those that
// its schedules made.
func (c *Core) DisableDeployment(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		if err := w.switchDeployment(id, "disabled", true); err != nil {
			return err
		}
		return w.DeleteScheduledRuns(id, store.ScheduledRuns{AutoOnly: true})
	})
}

// EnableDeployment lets runs of a deployment be made again.
func (c *Core) EnableDeployment(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error { return w.switchDeployment(id, "disabled", false) })
}

// switchDeployment writes a flag of a deployment on which its schedules depend.
func (w *work) switchDeployment(id uuid.UUID, column string, on bool) error {
	there, err := w.SetDeployment(id, store.Set{Column: column, Value: on}, store.Set{Column: "updated", Value: w.now})
	if err == nil && !there {
		err = api.NotFound("Deployment")
	}
	if err != nil {
		return err
	}
	return w.planAnew(id)
}

// deploymentsPolled notes that runs of the deployments of queues, or of these
// deployments, were asked for.
func (w *work) deploymentsPolled(queues, ids []uuid.UUID) error {
	ready, err := w.DeploymentsPolled(queues, ids, w.now, api.At(w.now.Add(-pollSpacing)))
	if err != nil {
		return err
	}
	for _, id := range ready {
		d, err := w.Deployment(id)
		if err != nil {
			return err
		}
		if err := w.emitDeployment("ready", d, nil); err != nil {
			return err
		}
	}
	return nil
}

// DeploymentsPage lists one page of deployments, counted from 1.
func (c *Core) DeploymentsPage(ctx context.Context, who Caller, f store.Filters, sort api.DeploymentSort, limit, page int) (*api.DeploymentPaginationResponse, error) {
	out := &api.DeploymentPaginationResponse{Limit: limit, Page: page}
	return out, c.read(ctx, who, func(tx *store.Tx) (err error) {
		if out.Results, err = tx.Deployments(f, sort, limit, limit*(page-1)); err != nil {
			return err
		}
		out.Count, err = tx.CountDeployments(f)
		out.Pages = pages(out.Count, limit)
		return err
	})
}

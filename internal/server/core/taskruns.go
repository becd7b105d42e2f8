package core

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/names"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// CreateTaskRun makes a task run in its first state. One whose keys the flow run has
// comes back unchanged.
func (c *Core) CreateTaskRun(ctx context.Context, who Caller, in *api.TaskRunCreate) (run *api.TaskRun, isNew bool, err error) {
	err = c.write(ctx, who, func(w *work) error {
		run, isNew, err = w.createTaskRun(in)
		return err
	})
	return run, isNew, err
}

func (w *work) createTaskRun(in *api.TaskRunCreate) (*api.TaskRun, bool, error) {
	run := w.newTaskRun(in)
	if run.FlowRunID == nil { // no constraint keeps these apart
		known, err := w.TaskRunByKeys(nil, in.TaskKey, in.DynamicKey, w.now)
		if err == nil {
			err = w.bound(TaskRunKind, known.ID)
		}
		if !errors.Is(err, store.ErrNoRows) {
			return known, false, err
		}
	} else if err := w.bound(FlowRunKind, *run.FlowRunID); err != nil {
		return nil, false, err
	}
	if err := w.inheritLabels(run); err != nil {
		return nil, false, err
	}
	entering := &store.TaskRunInTransition{TaskKey: run.TaskKey, Input: states.Input{
		Kind: states.TaskRun, Policy: states.Minimal, ID: run.ID, FlowRunID: run.FlowRunID, Tags: run.Tags,
		Proposed: states.Propose(in.State.Or(api.StateCreate{Type: api.StateTypePending}), newID(), w.now.Time),
		Run:      states.Run{TaskPolicy: run.EmpiricalPolicy},
	}}
	decision, err := w.decide(&entering.Input)
	if err != nil {
		return nil, false, err
	}
	isNew, err := w.InsertTaskRun(&store.NewTaskRun{TaskRun: run, First: decision})
	if err != nil {
		return nil, false, err
	}
	if !isNew {
		run, err = w.TaskRunByKeys(run.FlowRunID, in.TaskKey, in.DynamicKey, w.now)
		return run, false, err
	}
	if run.FlowRunID == nil {
		if err := w.reach(run.ID); err != nil {
			return nil, false, err
		}
	}
	enterTask(run, decision, w.now)
	return run, true, w.affectTaskRun(entering, decision)
}

func (w *work) newTaskRun(in *api.TaskRunCreate) *api.TaskRun {
	run := &api.TaskRun{
		ID: in.ID.Or(newID()), Created: &w.now, Updated: &w.now, Name: in.Name.Or(""), FlowRunID: in.FlowRunID.Ptr(),
		TaskKey: in.TaskKey, DynamicKey: in.DynamicKey, CacheKey: in.CacheKey.Ptr(), CacheExpiration: in.CacheExpiration.Ptr(),
		TaskVersion: in.TaskVersion.Ptr(), EmpiricalPolicy: in.EmpiricalPolicy.Or(api.TaskRunPolicy{}),
		Tags: in.Tags.Or([]string{}), Labels: in.Labels.Or(nil), TaskInputs: api.Object(in.TaskInputs.Or(nil)),
	}
	if run.Name == "" {
		run.Name = names.Pick(rand.Uint64()) //nolint:gosec // a name guards nothing
	}
	return run
}

// inheritLabels puts the labels of the flow run, and what names it, below the run's own.
func (w *work) inheritLabels(run *api.TaskRun) (err error) {
	if run.FlowRunID == nil {
		run.Labels, err = mergeObjects(run.Labels)
		return err
	}
	inherited, err := w.FlowRunLabels(*run.FlowRunID)
	if errors.Is(err, store.ErrNoRows) {
		return refused(store.ErrForeignKey)
	}
	if err != nil {
		return err
	}
	run.Labels, err = mergeObjects(inherited, jsontext.Value(`{"prefect.flow-run.id":"`+run.FlowRunID.String()+`"}`), run.Labels)
	return err
}

func enterTask(run *api.TaskRun, d *states.Decision, now api.Time) {
	moved := d.Run
	run.RunCount, run.FlowRunRunCount = moved.RunCount, moved.FlowRunRunCount
	run.ExpectedStartTime, run.NextScheduledStartTime = moved.ExpectedStartTime, moved.NextScheduledStartTime
	run.StartTime, run.EndTime, run.TotalRunTime = moved.StartTime, moved.EndTime, api.Seconds(moved.TotalRunTime)
	run.State, run.StateID, run.StateType, run.StateName = d.State, &d.State.ID, &d.State.Type, d.State.Name
	run.EstimatedRunTime = api.Seconds(states.EstimatedRunTime(&moved, d.State, now.Time))
	run.EstimatedStartTimeDelta = api.Seconds(states.Lateness(&moved, d.State, now.Time))
}

// TaskRun returns a task run by its id.
func (c *Core) TaskRun(ctx context.Context, who Caller, id uuid.UUID) (*api.TaskRun, error) {
	return found("Task", func() (*api.TaskRun, error) {
		return value(ctx, c, who, func(tx *store.Tx) (*api.TaskRun, error) { return tx.TaskRun(id, c.now()) })
	})
}

// TaskRuns lists task runs.
func (c *Core) TaskRuns(ctx context.Context, who Caller, f Filters, sort api.TaskRunSort, limit, offset int) ([]api.TaskRun, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.TaskRun, error) {
		return tx.TaskRuns(f, sort, limit, offset, c.now())
	})
}

// CountTaskRuns counts task runs.
func (c *Core) CountTaskRuns(ctx context.Context, who Caller, f Filters) (int, error) {
	return value(ctx, c, who, func(tx *store.Tx) (int, error) { return tx.CountTaskRuns(f) })
}

// RenameTaskRun gives a task run another name.
func (c *Core) RenameTaskRun(ctx context.Context, who Caller, id uuid.UUID, in *api.TaskRunUpdate) error {
	return missing("Task run", c.write(ctx, who, func(w *work) error {
		sets := []store.Set{{Column: "updated", Value: w.now}}
		if in.Name.IsSet() {
			sets = append(sets, store.Set{Column: "name", Value: runName(in.Name)})
		}
		return w.UpdateTaskRun(id, sets...)
	}))
}

// runName is a name that a request gives to a run; an empty one is as good as none.
func runName(name api.Opt[string]) string {
	if given := name.Or(""); given != "" {
		return given
	}
	return names.Pick(rand.Uint64()) //nolint:gosec // a name guards nothing
}

// DeleteTaskRun removes a task run with its states and logs.
func (c *Core) DeleteTaskRun(ctx context.Context, who Caller, id uuid.UUID) error {
	if err := c.inParts(ctx, who, func(w *work) (int64, error) { return w.DeleteTaskRunLogs(id, deletedAtOnce) }); err != nil {
		return err
	}
	return missing("Task", c.write(ctx, who, func(w *work) error {
		if err := w.Tx.DeleteTaskRun(id); err != nil {
			return err
		}
		return w.ReleaseSlotsOf("task_run", id, w.now)
	}))
}

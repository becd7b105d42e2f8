package core

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// mostRunArtifacts is how many artifacts of a run and of those below it are listed.
const mostRunArtifacts = 1000

// ArtifactsOfRun asks for the artifacts of a flow run or a task run, and of the flow runs that
// it has started, up to Depth levels below it; a depth below zero is none.
type ArtifactsOfRun struct {
	Depth        int
	Since, Until *api.Time
	OldestFirst  bool
}

// FlowRunArtifacts lists the artifacts of a flow run.
func (c *Core) FlowRunArtifacts(ctx context.Context, who Caller, run uuid.UUID, q ArtifactsOfRun) ([]api.Artifact, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.Artifact, error) {
		if err := isThere(tx, FlowRunKind, "Flow run", run); err != nil {
			return nil, err
		}
		runs, err := tx.RunsBelow([]uuid.UUID{run}, q.Depth)
		if err != nil {
			return nil, err
		}
		return tx.ArtifactsOfRuns(runs, nil, q.Since, q.Until, q.OldestFirst, mostRunArtifacts)
	})
}

// TaskRunArtifacts lists the artifacts of a task run: the flow run that it stands for is one
// level below it.
func (c *Core) TaskRunArtifacts(ctx context.Context, who Caller, run uuid.UUID, q ArtifactsOfRun) ([]api.Artifact, error) {
	return value(ctx, c, who, func(tx *store.Tx) (list []api.Artifact, err error) {
		if err := isThere(tx, TaskRunKind, "Task", run); err != nil {
			return nil, err
		}
		var below []uuid.UUID
		if q.Depth != 0 {
			if below, err = tx.RunsOfTask(run); err == nil {
				below, err = tx.RunsBelow(below, q.Depth-1)
			}
			if err != nil {
				return nil, err
			}
		}
		return tx.ArtifactsOfRuns(below, []uuid.UUID{run}, q.Since, q.Until, q.OldestFirst, mostRunArtifacts)
	})
}

// LogsOfRun lists log lines of a flow run, and how many the filter selects.
func (c *Core) LogsOfRun(ctx context.Context, who Caller, run uuid.UUID, f *api.LogFilter, sort api.LogSort, limit, offset int) (list []api.Log, total int, err error) {
	f.FlowRunID = &api.Match[uuid.UUID]{Any: []uuid.UUID{run}}
	err = c.read(ctx, who, func(tx *store.Tx) error {
		if err := isThere(tx, FlowRunKind, "Flow run", run); err != nil {
			return err
		}
		if total, err = tx.CountLogs(f); err != nil {
			return err
		}
		list, err = tx.Logs(f, sort, limit, offset)
		return err
	})
	return list, total, err
}

// EventsOfRun lists the events about a flow run, with those of its task runs if asked for, and
// how many there are.
func (c *Core) EventsOfRun(ctx context.Context, who Caller, run uuid.UUID, order api.EventOrder, withTasks bool, limit, offset int) (*api.EventPage, error) {
	r, err := c.FlowRun(ctx, who, run)
	if err != nil {
		return nil, err
	}
	any, err := json.Marshal(api.EventAnyResourceFilter{ID: []string{"prefect.flow-run." + run.String()}})
	if err != nil {
		return nil, err
	}
	in := &api.EventFilter{AnyResource: any, Order: api.Some(order), Occurred: &api.EventOccurredFilter{Since: r.Created}}
	if !withTasks {
		in.Event = &api.EventNameFilter{ExcludePrefix: []string{"prefect.task-run."}}
	}
	q, err := c.ReadEventQuery(in)
	if err != nil {
		return nil, err
	}
	events, total, err := c.Events(ctx, who, q, limit, offset)
	return &api.EventPage{Events: events, Total: total}, err
}

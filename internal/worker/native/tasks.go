package native

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/nativeflow"
	"github.com/usherhq/usher/internal/worker/report"
)

// taskRuns are what a program's lines about tasks become. Each is told to the API before its
// line is logged, so that a worker that takes over goes on behind it; what is told twice is
// the same task run.
type taskRuns struct {
	x   *execution
	dir string // of the attempt

	mu      sync.Mutex
	open    map[string][]uuid.UUID // by name; of several with one name the last one ends first
	resumed bool                   // an earlier worker may have begun some
	spoiled bool                   // the API refuses them, and that was said
}

// tasksFile holds what tells the attempt's task runs from those of all others.
const tasksFile = "tasks"

func (r *taskRuns) attempt() (string, error) {
	path := filepath.Join(r.dir, tasksFile)
	if data, err := os.ReadFile(path); err == nil && len(data) > 0 { //nolint:gosec // the worker's own folder
		return string(data), nil
	}
	id := uuid.NewString()
	return id, os.WriteFile(path, []byte(id), 0o600)
}

// tell takes what the line at a place of the program's output tells.
func (r *taskRuns) tell(ctx context.Context, e nativeflow.TaskEvent, place string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	switch e.Kind {
	case nativeflow.TaskBegins:
		err = r.begin(ctx, e.Name, place)
	case nativeflow.TaskEnds:
		err = r.end(ctx, e.Name, api.StateCreate{Type: api.StateTypeCompleted, Name: api.Some("Completed")})
	case nativeflow.TaskFails:
		err = r.end(ctx, e.Name, api.StateCreate{Type: api.StateTypeFailed, Name: api.Some("Failed"), Message: api.Some(e.Message)})
	}
	r.complain(ctx, err)
}

func (r *taskRuns) complain(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !r.spoiled {
		r.spoiled = true
		r.x.say(report.Warning, "A task run could not be kept: "+err.Error())
	}
}

func (r *taskRuns) begin(ctx context.Context, name, place string) error {
	attempt, err := r.attempt()
	if err != nil {
		return err
	}
	return report.Persist(ctx, func() error {
		made, err := r.x.Client.CreateTaskRun(ctx, &api.TaskRunCreate{
			Name: api.Some(name), FlowRunID: api.Some(r.x.Run.ID), TaskKey: name, DynamicKey: attempt + "-" + place,
			State:      api.Some(api.StateCreate{Type: api.StateTypeRunning, Name: api.Some("Running")}),
			TaskInputs: api.Some(jsontext.Value("{}")),
		})
		if err == nil {
			r.open[name] = append(r.open[name], made.ID)
		}
		return err
	})
}

func (r *taskRuns) end(ctx context.Context, name string, state api.StateCreate) error {
	if err := r.recall(ctx); err != nil {
		return err
	}
	list := r.open[name]
	if len(list) == 0 {
		return fmt.Errorf("the task %q ends and has not begun", name)
	}
	id := list[len(list)-1]
	r.open[name] = list[:len(list)-1]
	return r.set(ctx, id, state)
}

func (r *taskRuns) set(ctx context.Context, id uuid.UUID, state api.StateCreate) error {
	return report.Persist(ctx, func() error {
		_, err := r.x.Client.SetTaskRunState(ctx, id, &api.SetTaskRunStateRequest{State: state, Force: api.Some(true)})
		return err
	})
}

// recallPage is how many open task runs an earlier worker may have left.
const recallPage = 200

// recall finds the task runs that an earlier worker began.
func (r *taskRuns) recall(ctx context.Context) error {
	if !r.resumed {
		return nil
	}
	attempt, err := r.attempt()
	if err != nil {
		return err
	}
	known := map[uuid.UUID]bool{}
	for _, list := range r.open {
		for _, id := range list {
			known[id] = true
		}
	}
	return report.Persist(ctx, func() error {
		found, err := r.x.Client.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{
			TaskRuns: &api.TaskRunFilter{
				FlowRunID: &api.TaskRunFilterFlowRunId{Any: []uuid.UUID{r.x.Run.ID}},
				State:     &api.TaskRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeRunning}}},
			},
			Sort: api.Some(api.TaskRunSortIDDesc), Limit: api.Some(recallPage),
		})
		if err != nil {
			return err
		}
		r.resumed = false
		for _, run := range found {
			if len(run.DynamicKey) > len(attempt) && run.DynamicKey[:len(attempt)] == attempt && !known[run.ID] {
				r.open[run.TaskKey] = append([]uuid.UUID{run.ID}, r.open[run.TaskKey]...)
			}
		}
		return nil
	})
}

// close gives the task runs that the program left open the end that it had itself.
func (r *taskRuns) close(ctx context.Context, final report.Proposal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := os.Stat(filepath.Join(r.dir, tasksFile)); err != nil {
		return // it began none
	}
	r.complain(ctx, r.recall(ctx))
	state := api.StateCreate{Type: final.Type, Name: api.Some(final.Name), Message: api.Some("The program ended within the task.")}
	if !report.Final(final.Type) {
		state.Type, state.Name = api.StateTypeFailed, api.Some("Failed")
	}
	if final.Name == "" {
		state.Name = api.Opt[string]{}
	}
	for _, list := range r.open {
		for _, id := range list {
			r.complain(ctx, r.set(ctx, id, state))
		}
	}
	clear(r.open)
}

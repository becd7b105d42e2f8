package store

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

const taskRunColumns = `
select
	task_run.id, task_run.created, task_run.updated, task_run.name, task_run.flow_run_id, task_run.task_key, task_run.dynamic_key,
	task_run.cache_key, task_run.cache_expiration, task_run.task_version, task_run.task_inputs, task_run.empirical_policy,
	task_run.tags, task_run.labels, task_run.flow_run_run_count,
	task_run.run_count, task_run.expected_start_time, task_run.next_scheduled_start_time, task_run.start_time, task_run.end_time,
	task_run.total_run_time,
	task_run.state_id, task_run.state_type, task_run.state_name, task_run.state_timestamp, task_run.state_message, task_run.state_data,
	task_run.state_details
from task_run
`

// taskRunsAt scans task runs as they are at a time, which their estimates depend on.
func taskRunsAt(now api.Time) func(*Row) (api.TaskRun, error) {
	return func(row *Row) (run api.TaskRun, err error) {
		var (
			total  time.Duration
			policy passing
			state  storedState
		)
		dest := []any{
			&run.ID, &run.Created, &run.Updated, &run.Name, &run.FlowRunID, &run.TaskKey, &run.DynamicKey,
			&run.CacheKey, &run.CacheExpiration, &run.TaskVersion, &run.TaskInputs, &policy, &run.Tags, &run.Labels, &run.FlowRunRunCount,
			&run.RunCount, &run.ExpectedStartTime, &run.NextScheduledStartTime, &run.StartTime, &run.EndTime, &total,
		}
		if err := row.Scan(append(dest, state.dest()...)...); err != nil {
			return run, err
		}
		if err := json.Unmarshal(policy, &run.EmpiricalPolicy); err != nil {
			return run, err
		}
		if run.State, err = state.state(); run.State != nil {
			run.StateID, run.StateType, run.StateName = &run.State.ID, &run.State.Type, run.State.Name
		}
		facts := states.Run{ExpectedStartTime: run.ExpectedStartTime, StartTime: run.StartTime, TotalRunTime: total}
		run.TotalRunTime = api.Seconds(total)
		run.EstimatedRunTime = api.Seconds(states.EstimatedRunTime(&facts, run.State, now.Time))
		run.EstimatedStartTimeDelta = api.Seconds(states.Lateness(&facts, run.State, now.Time))
		return run, err
	}
}

// TaskRun returns a task run by its id, as it is at now.
func (tx *Tx) TaskRun(id uuid.UUID, now api.Time) (*api.TaskRun, error) {
	return one(tx, taskRunColumns+`
		where task_run.workspace_id = ?
		and task_run.id = ?`, []any{tx.workspace, id}, taskRunsAt(now))
}

// TaskRunByKeys returns the task run of a flow run, or of none, by its natural key.
func (tx *Tx) TaskRunByKeys(flowRun *uuid.UUID, taskKey, dynamicKey string, now api.Time) (*api.TaskRun, error) {
	if flowRun == nil {
		return one(tx, taskRunColumns+`
			where task_run.workspace_id = ?
			and task_run.flow_run_id is null
			and task_run.task_key = ?
			and task_run.dynamic_key = ?`, []any{tx.workspace, taskKey, dynamicKey}, taskRunsAt(now))
	}
	return one(tx, taskRunColumns+`
		where task_run.workspace_id = ?
		and task_run.flow_run_id = ?
		and task_run.task_key = ?
		and task_run.dynamic_key = ?`, []any{tx.workspace, flowRun, taskKey, dynamicKey}, taskRunsAt(now))
}

// TaskRuns lists task runs as they are at now.
func (tx *Tx) TaskRuns(f Filters, sort api.TaskRunSort, limit, offset int, now api.Time) ([]api.TaskRun, error) {
	where, page := tx.whereTaskRuns(f), page(limit, offset)
	return many(tx, taskRunColumns+"where "+where.sql+"\norder by "+taskRunOrder(sort)+page.sql, append(where.args, page.args...), taskRunsAt(now))
}

// CountTaskRuns counts what TaskRuns lists without a limit.
func (tx *Tx) CountTaskRuns(f Filters) (int, error) { return tx.count("task_run", tx.whereTaskRuns(f)) }

// NewTaskRun is a task run that is not stored yet: what it is, with the first state that
// was decided for it.
type NewTaskRun struct {
	*api.TaskRun
	First *states.Decision
}

// InsertTaskRun adds a task run, with its first state, unless the flow run has one of
// the same keys; isNew tells.
func (tx *Tx) InsertTaskRun(r *NewTaskRun) (isNew bool, err error) {
	run, moved := r.TaskRun, &r.First.Run
	policy, err := json.Marshal(&moved.TaskPolicy)
	if err != nil {
		return false, err
	}
	state, err := encodeState(r.First.State)
	if err != nil {
		return false, err
	}
	added, err := tx.Exec(`
		insert into task_run (
			workspace_id, id, created, updated, name, flow_run_id, task_key, dynamic_key, cache_key, cache_expiration, task_version,
			task_inputs, empirical_policy, tags, labels, flow_run_run_count, run_count, expected_start_time, next_scheduled_start_time,
			start_time, end_time, total_run_time,
			state_id, state_type, state_name, state_timestamp, state_message, state_data, state_details)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, flow_run_id, task_key, dynamic_key) do nothing`,
		tx.workspace, run.ID, run.Created, run.Updated, run.Name, run.FlowRunID, run.TaskKey, run.DynamicKey, run.CacheKey, run.CacheExpiration, run.TaskVersion,
		run.TaskInputs, jsontext.Value(policy), run.Tags, run.Labels, moved.FlowRunRunCount, moved.RunCount, moved.ExpectedStartTime, moved.NextScheduledStartTime,
		moved.StartTime, moved.EndTime, moved.TotalRunTime,
		state.ID, state.Type, state.Name, state.Timestamp, state.Message, state.data, state.details)
	if err != nil || added == 0 {
		return false, err
	}
	return true, tx.insertTaskRunState(run.ID, run.FlowRunID, state)
}

// UpdateTaskRun writes columns of a task run.
func (tx *Tx) UpdateTaskRun(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("task_run", id, sets))
}

// DeleteTaskRun removes a task run with its states.
func (tx *Tx) DeleteTaskRun(id uuid.UUID) error { return known(tx.deleteRow("task_run", id)) }

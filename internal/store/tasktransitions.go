package store

import (
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// TaskRunInTransition is what a change of a task run's state reads: the Input without
// Proposed and what Needs asks for.
type TaskRunInTransition struct {
	states.Input
	TaskKey string
}

// LockTaskRun reads a task run whose state is about to change and keeps others from
// changing it.
func (tx *Tx) LockTaskRun(id uuid.UUID) (*TaskRunInTransition, error) {
	return one(tx, `
		select
			id, flow_run_id, task_key, tags, flow_run_run_count,
			run_count, expected_start_time, next_scheduled_start_time, start_time, end_time, total_run_time, empirical_policy,
			state_id, state_type, state_name, state_timestamp, state_message, state_data, state_details
		from task_run
		where workspace_id = ?
		and id = ?`+tx.D().ForUpdate(), []any{tx.workspace, id}, scanTaskRunInTransition)
}

func scanTaskRunInTransition(row *Row) (r TaskRunInTransition, err error) {
	var (
		policy  passing
		current storedState
	)
	r.Kind = states.TaskRun
	dest := []any{&r.ID, &r.FlowRunID, &r.TaskKey, &r.Tags, &r.Run.FlowRunRunCount}
	dest = append(append(dest, columnsOf(&r.Run)...), &policy)
	if err := row.Scan(append(dest, current.dest()...)...); err != nil {
		return r, err
	}
	if err := json.Unmarshal(policy, &r.Run.TaskPolicy); err != nil {
		return r, err
	}
	r.Current, err = current.state()
	return r, err
}

// EnclosingFlowRun reads what task runs need to know of their flow run, and keeps it
// from changing. It is nil when the flow run is gone.
func (tx *Tx) EnclosingFlowRun(id uuid.UUID) (*states.Enclosing, error) {
	return one(tx, `
		select run_count, state_id, state_type, state_name, state_timestamp, state_message, state_data, state_details
		from flow_run
		where workspace_id = ?
		and id = ?`+tx.D().ForUpdate(), []any{tx.workspace, id}, func(row *Row) (e states.Enclosing, err error) {
		var current storedState
		if err = row.Scan(append([]any{&e.RunCount}, current.dest()...)...); err != nil {
			return e, err
		}
		e.State, err = current.state()
		return e, err
	})
}

// MoveTaskRun writes what was decided about a task run: its columns and its new state.
func (tx *Tx) MoveTaskRun(r *TaskRunInTransition, d *states.Decision, now api.Time) error {
	if d.State == nil {
		return nil
	}
	state, err := encodeState(d.State)
	if err != nil {
		return err
	}
	if err := tx.insertTaskRunState(r.ID, r.FlowRunID, state); err != nil {
		return err
	}
	sets := append([]Set{{"updated", now}}, moved(&r.Run, &d.Run)...)
	if r.Run.FlowRunRunCount != d.Run.FlowRunRunCount {
		sets = append(sets, Set{"flow_run_run_count", d.Run.FlowRunRunCount})
	}
	return known(tx.setRow("task_run", r.ID, append(sets, entered(r.Current, state)...)))
}

// CachedState returns the newest state under a cache key that has not expired.
func (tx *Tx) CachedState(key string, now api.Time) (*api.State, error) {
	return one(tx, `
		select s.id, s.type, s.name, s.timestamp, s.message, s.data, s.state_details
		from task_run_state_cache c
		join task_run_state s
			on s.workspace_id = c.workspace_id
			and s.id = c.task_run_state_id
		where c.workspace_id = ?
		and c.cache_key = ?
		and (c.cache_expiration is null or c.cache_expiration > ?)
		order by c.created desc
		limit 1`, []any{tx.workspace, key, now}, scanHistory)
}

// CacheState remembers a task run's state under a cache key.
func (tx *Tx) CacheState(id, state uuid.UUID, entry *states.CacheEntry, now api.Time) error {
	_, err := tx.Exec(`
		insert into task_run_state_cache (workspace_id, id, created, updated, cache_key, cache_expiration, task_run_state_id)
		values (?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, id, now, now, entry.Key, entry.Expiration, state)
	return err
}

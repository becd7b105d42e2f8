package store

import (
	"reflect"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// FlowRunInTransition is what a change of a flow run's state reads: the Input without
// Proposed and what Needs asks for, and what the event about it names.
type FlowRunInTransition struct {
	states.Input
	Quiet       bool // no event tells of the state
	Name        string
	RunTags     []string
	CreatedBy   *api.CreatedBy
	WorkQueueID *uuid.UUID
	Origin
}

// LockFlowRun reads a flow run whose state is about to change and keeps others from
// changing it.
func (tx *Tx) LockFlowRun(id uuid.UUID) (*FlowRunInTransition, error) {
	return one(tx, `
		select
			r.id, r.name, r.tags, r.created_by, r.work_queue_id, r.deployment_id, r.schedule_id, r.parent_task_run_id, r.infrastructure_pid,
			r.run_count, r.expected_start_time, r.next_scheduled_start_time, r.start_time, r.end_time, r.total_run_time, r.empirical_policy,
			r.state_id, r.state_type, r.state_name, r.state_timestamp, r.state_message, r.state_data, r.state_details,`+originColumns+`
		from flow_run r
		join flow f
			on f.workspace_id = r.workspace_id
			and f.id = r.flow_id
		left join deployment d
			on d.workspace_id = r.workspace_id
			and d.id = r.deployment_id
		left join work_queue q
			on q.workspace_id = r.workspace_id
			and q.id = r.work_queue_id
		left join task_run t
			on t.workspace_id = r.workspace_id
			and t.id = r.parent_task_run_id`+originTables+`
		where r.workspace_id = ?
		and r.id = ?`+tx.D().ForUpdate("r"), []any{tx.workspace, id}, scanFlowRunInTransition)
}

func scanFlowRunInTransition(row *Row) (r FlowRunInTransition, err error) {
	var (
		createdBy, policy passing
		current           storedState
		origin            originRow
	)
	r.Kind = states.FlowRun
	dest := []any{&r.ID, &r.Name, &r.RunTags, &createdBy, &r.WorkQueueID, &r.DeploymentID, &r.ScheduleID, &r.ParentTaskRunID, &r.InfrastructurePID}
	dest = append(dest, columnsOf(&r.Run)...)
	dest = append(append(append(dest, &policy), current.dest()...), origin.dest()...)
	if err := row.Scan(dest...); err != nil {
		return r, err
	}
	if r.Run.FlowPolicy, err = decodePolicy(policy); err != nil {
		return r, err
	}
	if r.CreatedBy, err = optional[api.CreatedBy](createdBy); err != nil {
		return r, err
	}
	if r.Current, err = current.state(); err != nil {
		return r, err
	}
	r.Origin, err = origin.origin()
	return r, err
}

// columnsOf is what run_count, expected_start_time, next_scheduled_start_time,
// start_time, end_time and total_run_time are scanned into.
func columnsOf(run *states.Run) []any {
	return []any{
		&run.RunCount, &run.ExpectedStartTime, &run.NextScheduledStartTime, &run.StartTime, &run.EndTime, &run.TotalRunTime,
	}
}

// MoveFlowRun writes what was decided about a flow run: its columns, and its new state
// if it gets one.
func (tx *Tx) MoveFlowRun(r *FlowRunInTransition, d *states.Decision, now api.Time) error {
	sets := []Set{{"updated", now}}
	if !reflect.DeepEqual(&d.Run.FlowPolicy, &r.Run.FlowPolicy) {
		sets = append(sets, Set{"empirical_policy", jsontext.Value(d.Run.FlowPolicy.AppendJSON(nil))})
	}
	if d.State != nil {
		state, err := encodeState(d.State)
		if err != nil {
			return err
		}
		if err := tx.insertFlowRunState(r.ID, state); err != nil {
			return err
		}
		if err := tx.retally(r.Current, state); err != nil {
			return err
		}
		sets = append(append(sets, moved(&r.Run, &d.Run)...), entered(r.Current, state)...)
	}
	return known(tx.setRow("flow_run", r.ID, sets))
}

// moved lists the columns that a transition changes. The others are left out of the
// statement because many are indexed.
func moved(was, is *states.Run) (sets []Set) {
	times := []struct {
		column  string
		was, is *api.Time
	}{
		{"expected_start_time", was.ExpectedStartTime, is.ExpectedStartTime},
		{"next_scheduled_start_time", was.NextScheduledStartTime, is.NextScheduledStartTime},
		{"start_time", was.StartTime, is.StartTime},
		{"end_time", was.EndTime, is.EndTime},
	}
	for _, t := range times {
		if !sameTime(t.was, t.is) {
			sets = append(sets, Set{t.column, t.is})
		}
	}
	if was.RunCount != is.RunCount {
		sets = append(sets, Set{"run_count", is.RunCount})
	}
	if was.TotalRunTime != is.TotalRunTime {
		sets = append(sets, Set{"total_run_time", is.TotalRunTime})
	}
	return sets
}

func sameTime(a, b *api.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b.Time)
}

// entered lists the columns that repeat a run's new state.
func entered(was *api.State, s *encodedState) []Set {
	sets := []Set{
		{"state_id", s.ID},
		{"state_timestamp", s.Timestamp},
		{"state_message", s.Message},
		{"state_data", s.data},
		{"state_details", s.details},
	}
	if was == nil || was.Type != s.Type {
		sets = append(sets, Set{"state_type", s.Type})
	}
	if was == nil || was.Name == nil || s.Name == nil || *was.Name != *s.Name {
		sets = append(sets, Set{"state_name", s.Name})
	}
	return sets
}

package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// OverdueRun is a scheduled run that nobody has started in time.
type OverdueRun struct {
	ID            uuid.UUID
	ScheduledTime api.Time
}

// OverdueRuns returns runs in state Scheduled that were to be started before a time, the
// longest overdue first.
func (tx *Tx) OverdueRuns(before api.Time, limit int) ([]OverdueRun, error) {
	return many(tx, `
		select id, next_scheduled_start_time
		from flow_run
		where workspace_id = ?
		and state_type = 'SCHEDULED'
		and state_name = 'Scheduled'
		and next_scheduled_start_time <= ?
		order by next_scheduled_start_time
		limit ?`, []any{tx.workspace, before, limit}, func(row *Row) (r OverdueRun, err error) {
		return r, row.Scan(&r.ID, &r.ScheduledTime)
	})
}

// ExpiredPauses returns paused runs whose time to be resumed is over. It may return one
// a second early: the state itself tells exactly. The first ones are looked at rather than
// searched for, since row-level security lets no index be searched by a member of JSON.
func (tx *Tx) ExpiredPauses(now api.Time, limit int) ([]uuid.UUID, error) {
	timeout := tx.sql.JSONText("state_details", "pause_timeout")
	return many(tx, `
		select id
		from (
		  select id, `+timeout+` as timeout
		  from flow_run
		  where workspace_id = ?
		  and state_type = 'PAUSED'
		  and `+timeout+` is not null
		  order by `+timeout+`, id
		  limit ?) as first
		where timeout < ?`, []any{tx.workspace, limit, now.UTC().Format("2006-01-02T15:04:05Z")}, scanID)
}

// StuckCancellations returns runs that have been CANCELLING since a time.
func (tx *Tx) StuckCancellations(since api.Time, limit int) ([]uuid.UUID, error) {
	return many(tx, `
		select id
		from flow_run
		where workspace_id = ?
		and state_type = 'CANCELLING'
		and state_timestamp <= ?
		order by state_timestamp, id
		limit ?`, []any{tx.workspace, since, limit}, scanID)
}

// The types of the states of runs that are over, and of those that are not.
const (
	over    = "('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
	notOver = "('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')"
)

// Joins written as cross joins are made by SQLite in their order: from the runs down.

// EndedRuns says whose children are to be ended: those of one run, or of all that came
// into a state after a time.
type EndedRuns struct {
	State api.StateType
	ID    *uuid.UUID
	After api.Time
}

func (tx *Tx) ended(e EndedRuns) condition {
	if e.ID != nil {
		return is("r.workspace_id = ?\nand r.state_type = ?\nand r.id = ?", tx.workspace, e.State, *e.ID)
	}
	// The type is written out, since indexes of one type of state are to be used.
	return is("r.workspace_id = ?\nand r.state_type = '"+string(e.State)+"'\nand r.end_time > ?", tx.workspace, e.After)
}

// OrphanTaskRuns returns task runs of ended flow runs that are not over.
func (tx *Tx) OrphanTaskRuns(e EndedRuns, limit int) ([]uuid.UUID, error) {
	where := tx.ended(e)
	return many(tx, `
		select t.id
		from flow_run r
		cross join task_run t
		where `+where.sql+`
		and t.workspace_id = r.workspace_id
		and t.flow_run_id = r.id
		and t.state_type in `+notOver+`
		order by r.end_time
		limit ?`, append(where.args, limit), scanID)
}

// OrphanFlowRuns returns the runs that ended ones have started and that are not over: of
// a cancelled one those that are not being cancelled, of a crashed one those that ran in
// its process.
func (tx *Tx) OrphanFlowRuns(e EndedRuns, limit int) ([]uuid.UUID, error) {
	where := all(tx.ended(e), is("(child.deployment_id is null or child.state_type <> 'CANCELLING')"))
	if e.State == api.StateTypeCrashed {
		where = all(tx.ended(e), is("child.deployment_id is null"))
	}
	return many(tx, `
		select child.id
		from flow_run r
		cross join task_run t
		cross join flow_run child
		where `+where.sql+`
		and t.workspace_id = r.workspace_id
		and t.flow_run_id = r.id
		and child.workspace_id = t.workspace_id
		and child.parent_task_run_id = t.id
		and child.state_type in `+notOver+`
		order by r.end_time
		limit ?`, append(where.args, limit), scanID)
}

package store

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store/dialect"
)

// LockSchedulePolicy returns the policy of a schedule, if it has one, and keeps others
// from starting runs of the schedule meanwhile. ErrNoRows says that it has none.
func (tx *Tx) LockSchedulePolicy(id uuid.UUID) (*jsontext.Value, error) {
	return one(tx, schedulePolicy+tx.D().ForUpdate(), []any{tx.workspace, id}, scanPolicy)
}

// SchedulePolicy returns the policy of a schedule. ErrNoRows says that it has none.
func (tx *Tx) SchedulePolicy(id uuid.UUID) (*jsontext.Value, error) {
	return one(tx, schedulePolicy, []any{tx.workspace, id}, scanPolicy)
}

const schedulePolicy = `
	select policy
	from deployment_schedule
	where workspace_id = ?
	and id = ?
	and policy is not null`

func scanPolicy(row *Row) (policy jsontext.Value, err error) { return policy, row.Scan(&policy) }

// The runs of a schedule that have not begun.
const unbegunSiblings = `
	select id
	from flow_run
	where workspace_id = ?
	and deployment_id = ?
	and schedule_id = ?
	and state_type = 'SCHEDULED'
	and auto_scheduled
	and run_count = 0`

const earlierSiblings = unbegunSiblings + `
	and +expected_start_time < ?
	limit 1`

// IsNextSibling says that no earlier run of a run's schedule has yet to begin.
func (tx *Tx) IsNextSibling(run *states.Input) (bool, error) {
	since := run.Run.ExpectedStartTime
	if since == nil {
		return true, nil
	}
	found, err := many(tx, earlierSiblings, []any{tx.workspace, *run.DeploymentID, *run.ScheduleID, *since}, scanID)
	return len(found) == 0, err
}

const waitingSiblings = `
	select id, expected_start_time
	from flow_run
	where workspace_id = ?
	and deployment_id = ?
	and schedule_id = ?
	and state_type = 'SCHEDULED'
	and auto_scheduled
	and run_count = 0
	and state_name = 'AwaitingConcurrencySlot'`

// WaitingSibling returns the first, or last, run of a run's schedule that was told to
// wait; nil when none was. They are few: no index has them in order.
func (tx *Tx) WaitingSibling(run *states.Input, last bool) (*uuid.UUID, error) {
	type waiting struct {
		id  uuid.UUID
		due api.Time
	}
	list, err := many(tx, waitingSiblings, []any{tx.workspace, *run.DeploymentID, *run.ScheduleID}, func(row *Row) (w waiting, err error) {
		return w, row.Scan(&w.id, &w.due)
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	byTime := func(a, b waiting) int { return a.due.Compare(b.due.Time) }
	if last {
		id := slices.MaxFunc(list, byTime).id
		return &id, nil
	}
	id := slices.MinFunc(list, byTime).id
	return &id, nil
}

const begunSiblings = `
	select id
	from flow_run
	where workspace_id = ?
	and schedule_id = ?
	and state_type in ('PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
	and id <> ?
	union all
	select id
	from flow_run
	where workspace_id = ?
	and deployment_id = ?
	and schedule_id = ?
	and state_type = 'SCHEDULED'
	and auto_scheduled
	and run_count > 0
	and id <> ?`

// BegunSiblings returns the other runs of a run's schedule that have begun and not ended.
func (tx *Tx) BegunSiblings(run *states.Input) ([]uuid.UUID, error) {
	return many(tx, begunSiblings, []any{
		tx.workspace, *run.ScheduleID, run.ID, tx.workspace, *run.DeploymentID, *run.ScheduleID, run.ID,
	}, scanID)
}

// The pluses keep SQLite from walking the runs of all deployments.
func laterSiblings(d dialect.SQL) string {
	return `
	select id
	from flow_run
	where workspace_id = ?
	and deployment_id = ?
	and ` + d.First("start_time", "expected_start_time") + ` > ?
	and +expected_start_time > ?
	and +expected_start_time <= ?
	and schedule_id = ?
	and auto_scheduled
	limit 1`
}

// HasLaterSibling says that there is a run of a run's schedule whose time has come later.
func (tx *Tx) HasLaterSibling(run *states.Input, now api.Time) (bool, error) {
	since := run.Run.ExpectedStartTime
	if since == nil {
		return false, nil
	}
	found, err := many(tx, laterSiblings(tx.sql), []any{tx.workspace, *run.DeploymentID, *since, *since, now, *run.ScheduleID}, scanID)
	return len(found) > 0, err
}

package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

// LockSchedulePolicy returns the policy of a schedule, if it has one, and keeps others
// from starting runs of the schedule meanwhile. ErrNoRows says that it has none.
func (tx *Tx) LockSchedulePolicy(id uuid.UUID) (*jsontext.Value, error) {
	return one(tx, `
		select policy
		from deployment_schedule
		where workspace_id = ?
		and id = ?
		and policy is not null`+tx.D().ForUpdate(), []any{tx.workspace, id}, func(row *Row) (policy jsontext.Value, err error) {
		return policy, row.Scan(&policy)
	})
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
const laterSiblings = `
	select id
	from flow_run
	where workspace_id = ?
	and deployment_id = ?
	and coalesce(start_time, expected_start_time) > ?
	and +expected_start_time > ?
	and +expected_start_time <= ?
	and schedule_id = ?
	and auto_scheduled
	limit 1`

// HasLaterSibling says that there is a run of a run's schedule whose time has come later.
func (tx *Tx) HasLaterSibling(run *states.Input, now api.Time) (bool, error) {
	since := run.Run.ExpectedStartTime
	if since == nil {
		return false, nil
	}
	found, err := many(tx, laterSiblings, []any{tx.workspace, *run.DeploymentID, *since, *since, now, *run.ScheduleID}, scanID)
	return len(found) > 0, err
}

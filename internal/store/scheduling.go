package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// QueueSlots is a work queue as acquisition sees it.
type QueueSlots struct {
	ID         uuid.UUID
	Name       string
	Priority   int
	IsPaused   bool
	Limit      *int
	Active     int // runs that hold a slot
	Status     api.WorkQueueStatus
	LastPolled *api.Time
}

// QueueSlotsOf returns the queues of a pool in the order of their priority.
func (tx *Tx) QueueSlotsOf(pool uuid.UUID) ([]QueueSlots, error) {
	return many(tx, `
		select q.id, q.name, q.priority, q.is_paused, q.concurrency_limit, q.status, q.last_polled, (
		  select count(*)
		  from flow_run r
		  where r.workspace_id = q.workspace_id
		  and r.work_queue_id = q.id
		  and r.state_type in ('PENDING', 'RUNNING'))
		from work_queue q
		where q.workspace_id = ?
		and q.work_pool_id = ?
		order by q.priority, q.id`, []any{tx.workspace, pool}, func(row *Row) (q QueueSlots, err error) {
		return q, row.Scan(&q.ID, &q.Name, &q.Priority, &q.IsPaused, &q.Limit, &q.Status, &q.LastPolled, &q.Active)
	})
}

// DueRuns asks for scheduled runs of one work queue, the earliest first.
type DueRuns struct {
	WorkQueueID uuid.UUID
	Before      *api.Time
	After       *api.Time
	Limit       int
}

// QueueRuns returns the runs of a queue that wait to be started, without the retries that
// the process of the run sees to itself. Their states have no details.
func (tx *Tx) QueueRuns(q DueRuns, now api.Time) ([]api.FlowRunResponse, error) {
	where := all(is("flow_run.workspace_id = ?\nand flow_run.work_queue_id = ?\nand flow_run.state_type = 'SCHEDULED'", tx.workspace, q.WorkQueueID),
		tx.waits(q.Before, q.After))
	return upTo(tx, q.Limit, flowRunColumns+flowRunTables+"where "+where.sql+"\norder by flow_run.next_scheduled_start_time, flow_run.id\nlimit ?",
		append(where.args, q.Limit), waitingRunsAt(now))
}

// waits is true for scheduled runs that are to be started between two times.
func (tx *Tx) waits(before, after *api.Time) condition {
	c := is("coalesce(" + tx.sql.JSONText("flow_run.empirical_policy", "retry_type") + ", '') <> 'in_process'")
	if before != nil {
		c = all(c, is("flow_run.next_scheduled_start_time <= ?", *before))
	}
	if after != nil {
		c = all(c, is("flow_run.next_scheduled_start_time >= ?", *after))
	}
	return c
}

// DeploymentRuns returns the runs of deployments that wait to be started, the earliest first.
func (tx *Tx) DeploymentRuns(deployments []uuid.UUID, before *api.Time, limit int, now api.Time) ([]api.FlowRunResponse, error) {
	args := dialect.Pad([]any{tx.workspace}, deployments)
	where := "flow_run.workspace_id = ?\nand " + dialect.In("flow_run.deployment_id", len(deployments)) + "\nand flow_run.state_type = 'SCHEDULED'"
	if before != nil {
		where, args = where+"\nand flow_run.next_scheduled_start_time <= ?", append(args, *before)
	}
	return many(tx, flowRunColumns+flowRunTables+"where "+where+"\norder by flow_run.next_scheduled_start_time, flow_run.id\nlimit ?",
		append(args, limit), flowRunsAt(now))
}

// NextDue is when the first of the runs that wait in a pool is to be started, nil when
// there is none after a time.
func (tx *Tx) NextDue(pool uuid.UUID, after api.Time) (at *api.Time, err error) {
	err = tx.QueryRow(`
		select min((
		  select min(r.next_scheduled_start_time)
		  from flow_run r
		  where r.workspace_id = q.workspace_id
		  and r.work_queue_id = q.id
		  and r.state_type = 'SCHEDULED'
		  and r.next_scheduled_start_time > ?))
		from work_queue q
		where q.workspace_id = ?
		and q.work_pool_id = ?`, []any{after, tx.workspace, pool}, &at)
	return at, err
}

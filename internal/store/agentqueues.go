package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// QueueByName returns a queue of a pool by both names; without such a pool, any queue of
// the name.
func (tx *Tx) QueueByName(pool, name string) (*api.WorkQueueResponse, error) {
	return one(tx, selectWorkQueue+`
		and work_queue.name = ?
		and (p.name = ?
			or not exists (
				select 1
				from work_pool
				where workspace_id = ?
				and name = ?))
		order by work_queue.id
		limit 1`, []any{tx.workspace, name, pool, tx.workspace, pool}, scanWorkQueue)
}

// NamedRuns returns the runs that wait in queues of a name, the earliest first, as many
// as the slots of the queue and the limit allow: what agents ask for.
func (tx *Tx) NamedRuns(q *api.WorkQueueResponse, before *api.Time, limit int, now api.Time) ([]api.FlowRunResponse, error) {
	held := 0
	err := tx.QueryRow(`
		select count(*)
		from flow_run
		where workspace_id = ?
		and work_queue_name = ?
		and state_type in ('PENDING', 'RUNNING', 'CANCELLING')`, []any{tx.workspace, q.Name}, &held)
	if err != nil {
		return nil, err
	}
	if q.ConcurrencyLimit != nil {
		limit = min(limit, max(0, *q.ConcurrencyLimit-held))
	}
	if q.IsPaused || limit == 0 {
		return []api.FlowRunResponse{}, nil
	}
	where := all(is("flow_run.workspace_id = ?\nand flow_run.state_type = 'SCHEDULED'", tx.workspace), tx.ofAgentQueue(q), tx.waits(before, nil))
	return many(tx, flowRunColumns+flowRunTables+"where "+where.sql+"\norder by flow_run.next_scheduled_start_time, flow_run.id\nlimit ?",
		append(where.args, limit), flowRunsAt(now))
}

// ofAgentQueue is true for the runs of a queue: those that carry its name, or of an old
// queue by tags those that its filter picks.
func (tx *Tx) ofAgentQueue(q *api.WorkQueueResponse) condition {
	if q.Filter == nil {
		return is("flow_run.work_queue_name = ?", q.Name)
	}
	c := is("flow_run.deployment_id is not null")
	if len(q.Filter.Tags) > 0 {
		c = all(c, is(tx.sql.HasAll("flow_run.tags"), []string(q.Filter.Tags)))
	}
	if len(q.Filter.DeploymentIDs) > 0 {
		c = all(c, oneOf("flow_run.deployment_id", []uuid.UUID(q.Filter.DeploymentIDs)))
	}
	return c
}

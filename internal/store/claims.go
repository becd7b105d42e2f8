package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// LostClaim is a run that is PENDING and whose worker is gone.
type LostClaim struct {
	ID      uuid.UUID
	Worker  string
	Process bool
	Since   api.Time
}

// Whose labels name a worker was claimed by that one. Without a name every worker of the
// pool is suspect that was there when the run was claimed, so all of them must be gone
// and one of them must have been there. A run without a queue was claimed by the process
// that serves its deployment.
func lostClaims(worker string) string {
	return `
	select r.id, coalesce(` + worker + `, ''), coalesce(p.type, 'process') = 'process', r.state_timestamp
	from flow_run r
	left join work_queue q
		on q.workspace_id = r.workspace_id
		and q.id = r.work_queue_id
	left join work_pool p
		on p.workspace_id = q.workspace_id
		and p.id = q.work_pool_id
	where r.workspace_id = ?
	and r.state_type = 'PENDING'
	and r.state_timestamp < ?
	and r.deployment_id is not null
	and case
		when q.id is null then exists (
			select 1
			from deployment d
			where d.workspace_id = r.workspace_id
			and d.id = r.deployment_id
			and d.work_queue_id is null
			and d.last_polled < ?
			and d.last_polled > r.state_timestamp - ?)
		when ` + worker + ` is not null then not exists (
			select 1
			from worker w
			where w.workspace_id = p.workspace_id
			and w.work_pool_id = p.id
			and w.name = ` + worker + `
			and w.status = 'ONLINE')
		else exists (
			select 1
			from worker w
			where w.workspace_id = p.workspace_id
			and w.work_pool_id = p.id
			and w.last_heartbeat_time > r.state_timestamp - ?)
		and not exists (
			select 1
			from worker w
			where w.workspace_id = p.workspace_id
			and w.work_pool_id = p.id
			and w.status = 'ONLINE'
			and w.created <= r.state_timestamp)
		end
	order by r.id
	limit ?`
}

// LostClaims lists runs that were claimed before a time, by a worker that is gone. The
// statuses of workers must be up to date.
func (tx *Tx) LostClaims(before api.Time, limit int) ([]LostClaim, error) {
	const around = 2 * 60 * secondInMicros // a worker may be silent for this long when it claims a run
	return many(tx, lostClaims(tx.sql.JSONText("r.labels", "prefect.worker.name")),
		[]any{tx.workspace, before, before, around, around, limit}, func(row *Row) (c LostClaim, err error) {
			return c, row.Scan(&c.ID, &c.Worker, &c.Process, &c.Since)
		})
}

// Claims counts how often a run was claimed since it ran last.
func (tx *Tx) Claims(run uuid.UUID) (n int, err error) {
	err = tx.QueryRow(`
		select count(*)
		from flow_run_state
		where workspace_id = ?
		and flow_run_id = ?
		and type = 'PENDING'
		and name = 'Pending'
		and timestamp > coalesce((
			select max(timestamp)
			from flow_run_state
			where workspace_id = ?
			and flow_run_id = ?
			and type = 'RUNNING'), 0)`, []any{tx.workspace, run, tx.workspace, run}, &n)
	return n, err
}

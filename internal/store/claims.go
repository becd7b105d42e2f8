package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/claim"
)

// LostClaim is a run that is PENDING and that nobody starts, as it seems.
type LostClaim struct {
	ID      uuid.UUID
	Worker  string
	Process bool
	Since   api.Time
	Alive   bool // its worker is there, or somebody of its name
}

// Who claimed a run is gone when the labels name a worker that is gone, or whose process
// is. Without a name every worker of the pool is suspect that was there when the run was
// claimed, so all of them must be gone and one of them must have been there. A run without
// a queue was claimed by the process that serves its deployment.
func lostClaims(worker string) string {
	return `
	select id, worker, process, since, not gone
	from (
		select r.id, coalesce(` + worker + `, '') as worker, coalesce(p.type, 'process') = 'process' as process,
			r.state_timestamp as since, r.infrastructure_pid, r.state_name,
			case
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
				and w.status = 'ONLINE'
				and not ` + nobodyLeft + `)
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
				and w.created <= r.state_timestamp
				and not ` + nobodyLeft + `)
			end as gone
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
		and r.deployment_id is not null) c
	where gone
	or infrastructure_pid is null and (since < ? or state_name = ? and since < ?)
	order by id
	limit ?`
}

// LostClaims lists runs that were claimed before a time by a worker that is gone, and those
// without infrastructure for which nothing was done for long, whoever claimed them. The
// statuses of workers must be up to date at now.
func (tx *Tx) LostClaims(now, before api.Time, limit int) ([]LostClaim, error) {
	const around = 2 * 60 * secondInMicros // a worker may be silent for this long when it claims a run
	args := append([]any{before, around}, nobodyLeftArgs(now)...)
	args = append(append(args, around), nobodyLeftArgs(now)...)
	return many(tx, lostClaims(tx.sql.JSONText("r.labels", "prefect.worker.name")),
		append(args, tx.workspace, before, api.At(now.Add(-claim.Longest)), claim.Claimed, api.At(now.Add(-claim.Long)), limit), func(row *Row) (c LostClaim, err error) {
			return c, row.Scan(&c.ID, &c.Worker, &c.Process, &c.Since, &c.Alive)
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

// NoteGivenBack remembers that a run was given back though who had claimed it may be there.
func (tx *Tx) NoteGivenBack(run uuid.UUID, at api.Time) error {
	_, err := tx.Exec(`
		insert into flow_run_given_back (workspace_id, flow_run_id, at)
		values (?, ?, ?)
		on conflict (workspace_id, flow_run_id) do update
		set at = excluded.at`, tx.workspace, run, at)
	return err
}

// WasGivenBack says whether a run was ever given back.
func (tx *Tx) WasGivenBack(run uuid.UUID) (bool, error) {
	var n int
	err := tx.QueryRow(`
		select count(*)
		from flow_run_given_back
		where workspace_id = ?
		and flow_run_id = ?`, []any{tx.workspace, run}, &n)
	return n > 0, err
}

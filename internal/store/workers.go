package store

import (
	"cmp"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Beat is one heartbeat of a worker.
type Beat struct {
	WorkPoolID uuid.UUID
	Name       string
	Interval   *int // seconds between heartbeats, as far as the worker says
	At         api.Time
}

// WorkerBeat records a heartbeat, adding the worker under id when it is new.
func (tx *Tx) WorkerBeat(id uuid.UUID, b Beat) error {
	_, err := tx.Exec(`
		insert into worker (workspace_id, id, created, updated, work_pool_id, name, last_heartbeat_time,
		  heartbeat_interval_seconds, status)
		values (?, ?, ?, ?, ?, ?, ?, ?, 'ONLINE')
		on conflict (workspace_id, work_pool_id, name) do update
		set updated = excluded.updated,
		  last_heartbeat_time = excluded.last_heartbeat_time,
		  heartbeat_interval_seconds = coalesce(excluded.heartbeat_interval_seconds, worker.heartbeat_interval_seconds),
		  status = excluded.status`,
		tx.workspace, id, b.At, b.At, b.WorkPoolID, b.Name, b.At, b.Interval)
	return err
}

const selectWorkers = `
	select id, created, updated, name, work_pool_id, last_heartbeat_time, heartbeat_interval_seconds
	from worker
	where `

// Workers lists the workers of a pool.
func (tx *Tx) Workers(pool uuid.UUID, f *api.WorkerFilter, sort api.WorkerSort, limit, offset int, now api.Time) ([]api.WorkerResponse, error) {
	where, page := all(is("worker.work_pool_id = ?", pool), tx.whereWorkers(f)), page(limit, offset)
	return many(tx, selectWorkers+where.sql+"\norder by "+workerOrder(sort)+page.sql, append(where.args, page.args...), workersAt(now))
}

func workersAt(now api.Time) func(*Row) (api.WorkerResponse, error) {
	return func(row *Row) (w api.WorkerResponse, err error) {
		err = row.Scan(&w.ID, &w.Created, &w.Updated, &w.Name, &w.WorkPoolID, &w.LastHeartbeatTime, &w.HeartbeatIntervalSeconds)
		interval := usualInterval
		if w.HeartbeatIntervalSeconds != nil && *w.HeartbeatIntervalSeconds > 0 {
			interval = *w.HeartbeatIntervalSeconds
		}
		w.Status = api.WorkerStatusOffline
		if w.LastHeartbeatTime != nil && now.Sub(w.LastHeartbeatTime.Time) < missedBeats*time.Duration(interval)*time.Second {
			w.Status = api.WorkerStatusOnline
		}
		return w, err
	}
}

// DeleteWorker deletes a worker of a pool and says whether there was one.
func (tx *Tx) DeleteWorker(pool uuid.UUID, name string) (bool, error) {
	_, err := tx.Exec(`
		delete from worker_process
		where workspace_id = ?
		and work_pool_id = ?
		and name = ?`, tx.workspace, pool, name)
	if err != nil {
		return false, err
	}
	rows, err := tx.Exec(`
		delete from worker
		where workspace_id = ?
		and work_pool_id = ?
		and name = ?`, tx.workspace, pool, name)
	return rows > 0, err
}

// HasWorkerOnline says whether a pool has a worker that is marked ONLINE.
func (tx *Tx) HasWorkerOnline(pool uuid.UUID) (bool, error) {
	var n int
	err := tx.QueryRow(`
		select count(*)
		from worker
		where workspace_id = ?
		and work_pool_id = ?
		and status = 'ONLINE'`, []any{tx.workspace, pool}, &n)
	return n > 0, err
}

// Heartbeats a worker may miss, and its interval when it names none.
const (
	missedBeats    = 3
	usualInterval  = 30
	secondInMicros = 1_000_000
)

// RetireWorkers marks the workers OFFLINE that have missed so many heartbeats, and says how
// many. beat is the interval of those that told none. Zero is the usual.
func (tx *Tx) RetireWorkers(now api.Time, missed int, beat time.Duration) (int64, error) {
	return tx.Exec(`
		update worker
		set status = 'OFFLINE', updated = ?
		where workspace_id = ?
		and status = 'ONLINE'
		and last_heartbeat_time < ? - ? * coalesce(heartbeat_interval_seconds, ?)`,
		now, tx.workspace, now, cmp.Or(missed, missedBeats)*secondInMicros, cmp.Or(int(beat/time.Second), usualInterval))
}

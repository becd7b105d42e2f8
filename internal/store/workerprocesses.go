package store

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// ProcessBeat records a heartbeat of the process behind a worker. since is when a process
// that is new began; uuid.Nil stands for those that do not tell which they are, of which
// nothing is known but the last heartbeat.
func (tx *Tx) ProcessBeat(process uuid.UUID, since api.Time, b Beat) error {
	interval := usualInterval
	if b.Interval != nil && *b.Interval > 0 {
		interval = *b.Interval
	}
	_, err := tx.Exec(`
		insert into worker_process (workspace_id, work_pool_id, name, id, since, last_heartbeat_time, heartbeat_interval_seconds)
		values (?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, work_pool_id, name, id) do update
		set last_heartbeat_time = excluded.last_heartbeat_time,
		  heartbeat_interval_seconds = excluded.heartbeat_interval_seconds`,
		tx.workspace, b.WorkPoolID, b.Name, process, since, b.At, interval)
	return err
}

// A process that was silent for longer has nothing to do with any claim any more.
const processMemory = 7 * 24 * time.Hour

// ForgetProcesses removes the processes of workers that have long been silent.
func (tx *Tx) ForgetProcesses(now api.Time) error {
	_, err := tx.Exec(`
		delete from worker_process
		where workspace_id = ?
		and last_heartbeat_time < ?`, tx.workspace, api.At(now.Add(-processMemory)))
	return err
}

// nobodyLeft says that worker w, though it is there, claimed run r with a process that is
// gone: all that were there at the time are silent, one of them by its name. Its arguments
// are in nobodyLeftArgs.
const nobodyLeft = `(
		r.infrastructure_pid is null
		and exists (
			select 1
			from worker_process gone
			where gone.workspace_id = w.workspace_id
			and gone.work_pool_id = w.work_pool_id
			and gone.name = w.name
			and gone.id <> ?
			and gone.since <= r.state_timestamp)
		and not exists (
			select 1
			from worker_process there
			where there.workspace_id = w.workspace_id
			and there.work_pool_id = w.work_pool_id
			and there.name = w.name
			and there.since <= r.state_timestamp
			and there.last_heartbeat_time > ? - ? * there.heartbeat_interval_seconds))`

func nobodyLeftArgs(now api.Time) []any {
	return []any{uuid.Nil, now, missedBeats * secondInMicros}
}

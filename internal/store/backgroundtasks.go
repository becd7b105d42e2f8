package store

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// QueueTask lets a task run wait for a task worker. One that waits already waits on, in
// front of others if it is a retry.
func (tx *Tx) QueueTask(id uuid.UUID, key string, retry bool, now api.Time) error {
	_, err := tx.Exec(`
		insert into background_task (workspace_id, task_run_id, task_key, retry, queued)
		values (?, ?, ?, ?, ?)
		on conflict (workspace_id, task_run_id) do update
		set retry = excluded.retry,
			queued = excluded.queued,
			claimed_until = null`, tx.workspace, id, key, retry, now)
	return err
}

// ClaimTask picks the task run of one of the keys that is next, retries first, and keeps
// it from others for a while; ErrNoRows says that none waits.
func (tx *Tx) ClaimTask(keys []string, lease time.Duration, now api.Time) (*api.TaskRun, error) {
	id, err := one(tx, `
		select task_run_id
		from background_task
		where workspace_id = ?
		and `+dialect.In("task_key", len(keys))+`
		and (claimed_until is null or claimed_until < ?)
		order by retry desc, queued, task_run_id
		limit 1`+tx.D().SkipLocked(), append(dialect.Pad([]any{tx.workspace}, keys), now), scanID)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`
		update background_task
		set claimed_until = ?
		where workspace_id = ?
		and task_run_id = ?`, api.At(now.Add(lease)), tx.workspace, *id)
	if err != nil {
		return nil, err
	}
	return tx.TaskRun(*id, now)
}

// HasTasks says whether a task run of one of the keys waits.
func (tx *Tx) HasTasks(keys []string, now api.Time) (waits bool, err error) {
	err = tx.QueryRow(`
		select exists (
			select 1
			from background_task
			where workspace_id = ?
			and `+dialect.In("task_key", len(keys))+`
			and (claimed_until is null or claimed_until < ?))`, append(dialect.Pad([]any{tx.workspace}, keys), now), &waits)
	return waits, err
}

// UnqueueTask ends the wait of a task run, if it waits.
func (tx *Tx) UnqueueTask(id uuid.UUID) error {
	_, err := tx.Exec(`
		delete from background_task
		where workspace_id = ?
		and task_run_id = ?`, tx.workspace, id)
	return err
}

// ReturnTask lets a task run wait again, in front of others, if nobody confirmed it.
func (tx *Tx) ReturnTask(id uuid.UUID) (isBack bool, err error) {
	rows, err := tx.Exec(`
		update background_task
		set claimed_until = null,
			retry = ?
		where workspace_id = ?
		and task_run_id = ?`, true, tx.workspace, id)
	return rows > 0, err
}

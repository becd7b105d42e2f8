package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// TaskWorker is a task worker by the connection that it has to one of the servers.
type TaskWorker struct {
	Connection uuid.UUID
	Name       string
	Keys       []string
	Expiration api.Time // when it is believed gone if it is not heard of
}

// SaveTaskWorker adds a task worker, or moves the one of that name to another connection,
// and removes those that are gone.
func (tx *Tx) SaveTaskWorker(w *TaskWorker, now api.Time) error {
	_, err := tx.Exec(`
		delete from task_worker
		where workspace_id = ?
		and expiration < ?
		and name <> ?`, tx.workspace, now, w.Name)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into task_worker (workspace_id, name, connection, task_keys, seen, expiration)
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, name) do update
		set connection = excluded.connection,
			task_keys = excluded.task_keys,
			seen = excluded.seen,
			expiration = excluded.expiration`, tx.workspace, w.Name, w.Connection, w.Keys, now, w.Expiration)
	return err
}

// KeepTaskWorker lets a task worker be listed for longer, as long as the connection is
// the one that it has; it was seen now, or is only connected still.
func (tx *Tx) KeepTaskWorker(w *TaskWorker, seen *api.Time) error {
	_, err := tx.Exec(`
		update task_worker
		set expiration = ?, seen = coalesce(?, seen)
		where workspace_id = ?
		and name = ?
		and connection = ?`, w.Expiration, seen, tx.workspace, w.Name, w.Connection)
	return err
}

// DeleteTaskWorker removes a task worker whose connection has ended.
func (tx *Tx) DeleteTaskWorker(w *TaskWorker) error {
	_, err := tx.Exec(`
		delete from task_worker
		where workspace_id = ?
		and name = ?
		and connection = ?`, tx.workspace, w.Name, w.Connection)
	return err
}

// TaskWorkers lists the connected task workers that take one of the keys, or all of them
// when no key is given.
func (tx *Tx) TaskWorkers(keys []string, now api.Time) ([]api.TaskWorkerResponse, error) {
	where := is("workspace_id = ?\nand expiration >= ?", tx.workspace, now)
	if len(keys) > 0 {
		where = all(where, is(tx.sql.HasAny("task_keys"), keys))
	}
	return many(tx, "select name, task_keys, seen\nfrom task_worker\nwhere "+where.sql+"\norder by name", where.args,
		func(row *Row) (w api.TaskWorkerResponse, err error) {
			return w, row.Scan(&w.Identifier, &w.TaskKeys, &w.Timestamp)
		})
}

package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/cleanup"
)

const cleanupColumns = `
	select id, created, work_pool_id, work_queue_id, kind, target, deliveries, token, reserved_until
	from cleanup_message
	where workspace_id = ?`

func scanCleanup(row *Row) (m cleanup.Message, err error) {
	return m, row.Scan(&m.ID, &m.Created, &m.WorkPoolID, &m.WorkQueueID, &m.Kind, &m.Target, &m.Deliveries, &m.Token, &m.Until)
}

// InsertCleanup adds a request to workers. One that is there already stays.
func (tx *Tx) InsertCleanup(m *cleanup.Message) (isNew bool, err error) {
	rows, err := tx.Exec(`
		insert into cleanup_message (workspace_id, id, created, work_pool_id, work_queue_id, kind, target)
		values (?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, id) do nothing`,
		tx.workspace, m.ID, m.Created, m.WorkPoolID, m.WorkQueueID, m.Kind, m.Target)
	return rows > 0, err
}

// HasCleanup says whether a pool has requests that no worker has at now.
func (tx *Tx) HasCleanup(pool uuid.UUID, now api.Time) (bool, error) {
	var n int
	err := tx.QueryRow(`
		select count(*)
		from cleanup_message
		where workspace_id = ?
		and work_pool_id = ?
		and reserved_until <= ?`, []any{tx.workspace, pool, now}, &n)
	return n > 0, err
}

// FreeCleanup returns the oldest request of some kinds of a pool that no worker has at
// now, those of some queues first, and locks it. ErrNoRows says that there is none.
func (tx *Tx) FreeCleanup(pool uuid.UUID, kinds []string, queues []uuid.UUID, now api.Time) (*cleanup.Message, error) {
	where := all(is("work_pool_id = ?", pool), is("reserved_until <= ?", now), oneOf("kind", kinds))
	first := is("1")
	if len(queues) > 0 {
		first = oneOf("work_queue_id", queues)
		first.sql = "case when " + first.sql + " then 0 else 1 end"
	}
	args := append(append([]any{tx.workspace}, where.args...), first.args...)
	return one(tx, cleanupColumns+"\nand "+where.sql+"\norder by "+first.sql+", created\nlimit 1"+tx.D().SkipLocked(), args, scanCleanup)
}

// LockCleanup returns a request and keeps it from others. ErrNoRows says that it is gone.
func (tx *Tx) LockCleanup(id uuid.UUID) (*cleanup.Message, error) {
	return one(tx, cleanupColumns+"\nand id = ?"+tx.D().ForUpdate(), []any{tx.workspace, id}, scanCleanup)
}

// SaveCleanup writes who has a request.
func (tx *Tx) SaveCleanup(m *cleanup.Message) error {
	_, err := tx.setRow("cleanup_message", m.ID, []Set{{"deliveries", m.Deliveries}, {"token", m.Token}, {"reserved_until", m.Until}})
	return err
}

// DeleteCleanup removes a request.
func (tx *Tx) DeleteCleanup(id uuid.UUID) error {
	_, err := tx.deleteRow("cleanup_message", id)
	return err
}

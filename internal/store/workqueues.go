package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

const selectWorkQueues = `
	select work_queue.id, work_queue.created, work_queue.updated, work_queue.name, work_queue.description, work_queue.is_paused, work_queue.concurrency_limit, work_queue.priority,
	  work_queue.work_pool_id, work_queue.filter, work_queue.last_polled, p.name, work_queue.status,
	  case when work_queue.concurrency_limit is null then null else (
	    select count(*)
	    from flow_run r
	    where r.workspace_id = work_queue.workspace_id
	    and r.work_queue_id = work_queue.id
	    and r.state_type in ('PENDING', 'RUNNING')
	  ) end,
	  work_queue.created_by, work_queue.updated_by
	from work_queue
	join work_pool p on p.workspace_id = work_queue.workspace_id and p.id = work_queue.work_pool_id
	where `

const selectWorkQueue = selectWorkQueues + "work_queue.workspace_id = ?"

func scanWorkQueue(row *Row) (q api.WorkQueueResponse, err error) {
	var filter jsontext.Value
	var by makers
	err = row.Scan(&q.ID, &q.Created, &q.Updated, &q.Name, &q.Description, &q.IsPaused, &q.ConcurrencyLimit, &q.Priority,
		&q.WorkPoolID, &filter, &q.LastPolled, &q.WorkPoolName, &q.Status, &q.ActiveSlots, &by.created, &by.updated)
	if err == nil {
		q.CreatedBy, q.UpdatedBy, err = by.read()
	}
	if err == nil && len(filter) > 0 {
		err = json.Unmarshal(filter, &q.Filter)
	}
	return q, err
}

// WorkQueue returns the work queue with that id.
func (tx *Tx) WorkQueue(id uuid.UUID) (*api.WorkQueueResponse, error) {
	return one(tx, selectWorkQueue+"\nand work_queue.id = ?", []any{tx.workspace, id}, scanWorkQueue)
}

// WorkQueueByName returns the work queue of that name in a pool.
func (tx *Tx) WorkQueueByName(pool uuid.UUID, name string) (*api.WorkQueueResponse, error) {
	return one(tx, selectWorkQueue+"\nand work_queue.work_pool_id = ?\nand work_queue.name = ?", []any{tx.workspace, pool, name}, scanWorkQueue)
}

// PoolQueues returns the queues of a pool in the order of their priority.
func (tx *Tx) PoolQueues(pool uuid.UUID) ([]api.WorkQueueResponse, error) {
	return many(tx, selectWorkQueue+"\nand work_queue.work_pool_id = ?\norder by work_queue.priority, work_queue.id", []any{tx.workspace, pool}, scanWorkQueue)
}

// WorkQueues lists work queues of a pool by priority; without a pool, of all pools by name.
func (tx *Tx) WorkQueues(pool *uuid.UUID, f *api.WorkQueueFilter, limit, offset int) ([]api.WorkQueueResponse, error) {
	where, page, order := tx.whereWorkQueues(f), page(limit, offset), up("work_queue.name", "work_queue.id")
	if pool != nil {
		where, order = all(is("work_queue.work_pool_id = ?", *pool), where), up("work_queue.priority", "work_queue.id")
	}
	return many(tx, selectWorkQueues+where.sql+"\norder by "+order+page.sql, append(where.args, page.args...), scanWorkQueue)
}

// InsertWorkQueue adds a work queue.
func (tx *Tx) InsertWorkQueue(q *api.WorkQueueResponse) error {
	filter, err := optionalJSON(q.Filter)
	if err != nil {
		return err
	}
	by, err := optionalJSON(q.CreatedBy)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into work_queue (workspace_id, id, created, updated, work_pool_id, name, description, is_paused,
		  concurrency_limit, priority, status, last_polled, filter, created_by)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, q.ID, q.Created, q.Updated, q.WorkPoolID, q.Name, q.Description, q.IsPaused,
		q.ConcurrencyLimit, q.Priority, q.Status, q.LastPolled, filter, by)
	return err
}

// optionalJSON encodes what v points to; nil is null.
func optionalJSON[T any](v *T) (jsontext.Value, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

// SetWorkQueue writes columns of a work queue.
func (tx *Tx) SetWorkQueue(id uuid.UUID, sets ...Set) error {
	_, err := tx.setRow("work_queue", id, sets)
	return err
}

// DeleteWorkQueue deletes a work queue. Its runs and deployments keep its name.
func (tx *Tx) DeleteWorkQueue(id uuid.UUID) error {
	_, err := tx.deleteRow("work_queue", id)
	return err
}

// QueuesPolled notes that workers asked for runs of these queues, and returns those that
// became READY by it.
func (tx *Tx) QueuesPolled(ids []uuid.UUID, now api.Time) (ready []uuid.UUID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in := "\nwhere workspace_id = ?\nand " + dialect.In("id", len(ids))
	args := dialect.Pad([]any{tx.workspace}, ids)
	ready, err = many(tx, "select id\nfrom work_queue"+in+"\nand status = 'NOT_READY'\norder by id"+tx.D().ForUpdate(), args, scanID)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`
		update work_queue
		set last_polled = ?, status = case status when 'NOT_READY' then 'READY' else status end`+in,
		append([]any{now}, args...)...)
	return ready, err
}

// ForgottenQueues returns the READY work queues that nobody polled since then.
func (tx *Tx) ForgottenQueues(since api.Time) ([]api.WorkQueueResponse, error) {
	return many(tx, selectWorkQueue+"\nand work_queue.status = 'READY'\nand work_queue.last_polled < ?\norder by work_queue.id", []any{tx.workspace, since}, scanWorkQueue)
}

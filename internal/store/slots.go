package store

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// SlotHolder is a run that holds a slot, with the queue that it is in.
type SlotHolder struct {
	api.FlowRunSlotSummary
	WorkQueueID *uuid.UUID
}

const slotColumns = "r.id, r.name, r.state_type, r.state_name, r.start_time, r.state_timestamp, r.work_queue_id"

func slotHoldersAt(now api.Time) func(*Row) (SlotHolder, error) {
	return func(row *Row) (h SlotHolder, err error) {
		err = row.Scan(&h.ID, &h.Name, &h.StateType, &h.StateName, &h.StartTime, &h.StateTimestamp, &h.WorkQueueID)
		if h.StateTimestamp != nil {
			seconds := api.Seconds(now.Sub(h.StateTimestamp.Time).Truncate(time.Microsecond))
			h.TimeInCurrentState = &seconds
		}
		return h, err
	}
}

// PoolSlotHolders returns up to most runs of each of these queues that hold a slot.
func (tx *Tx) PoolSlotHolders(queues []uuid.UUID, most int, now api.Time) ([]SlotHolder, error) {
	if len(queues) == 0 {
		return nil, nil
	}
	return many(tx, `
		select `+slotColumns+`
		from (
		  select id, name, state_type, state_name, start_time, state_timestamp, work_queue_id, row_number() over (partition by work_queue_id order by id) as place
		  from flow_run
		  where workspace_id = ?
		  and `+dialect.In("work_queue_id", len(queues))+`
		  and state_type in ('PENDING', 'RUNNING')) r
		where r.place <= ?
		order by r.id`, append(dialect.Pad([]any{tx.workspace}, queues), most), slotHoldersAt(now))
}

// queueHolders are the runs of a queue, or of its name alone, that hold a slot.
func (tx *Tx) queueHolders(q *api.WorkQueueResponse) condition {
	return is(`r.workspace_id = ?
		and (r.work_queue_id = ? or r.work_queue_id is null and r.work_queue_name = ?)
		and r.state_type in ('PENDING', 'RUNNING', 'CANCELLING')`, tx.workspace, q.ID, q.Name)
}

// QueueSlotHolders returns the runs of a queue that hold a slot.
func (tx *Tx) QueueSlotHolders(q *api.WorkQueueResponse, limit, offset int, now api.Time) ([]SlotHolder, error) {
	where, page := tx.queueHolders(q), page(limit, offset)
	return many(tx, "select "+slotColumns+"\nfrom flow_run r\nwhere "+where.sql+"\norder by r.id"+page.sql, append(where.args, page.args...), slotHoldersAt(now))
}

// CountQueueSlotHolders counts what QueueSlotHolders returns without a limit.
func (tx *Tx) CountQueueSlotHolders(q *api.WorkQueueResponse) (int, error) {
	return tx.count("flow_run r", tx.queueHolders(q))
}

// LateRuns counts the late runs of a queue.
func (tx *Tx) LateRuns(queue uuid.UUID) (n int, err error) {
	err = tx.QueryRow(`
		select count(*)
		from flow_run
		where workspace_id = ?
		and work_queue_id = ?
		and state_type = 'SCHEDULED'
		and state_name = 'Late'`, []any{tx.workspace, queue}, &n)
	return n, err
}

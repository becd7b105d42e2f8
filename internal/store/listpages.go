package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// CountConcurrencyLimits counts all limits.
func (tx *Tx) CountConcurrencyLimits() (int, error) {
	return tx.count("concurrency_limit_v2", tx.own("concurrency_limit_v2"))
}

// CountWorkQueues counts what WorkQueues lists without a limit.
func (tx *Tx) CountWorkQueues(pool *uuid.UUID, f *api.WorkQueueFilter) (int, error) {
	where := tx.whereWorkQueues(f)
	if pool != nil {
		where = all(is("work_queue.work_pool_id = ?", *pool), where)
	}
	return tx.count("work_queue", where)
}

// CountWorkers counts the workers of a pool.
func (tx *Tx) CountWorkers(pool uuid.UUID, f *api.WorkerFilter) (int, error) {
	return tx.count("worker", all(is("worker.work_pool_id = ?", pool), tx.whereWorkers(f)))
}

// Worker returns a worker of a pool by its id.
func (tx *Tx) Worker(pool, id uuid.UUID, now api.Time) (*api.WorkerResponse, error) {
	return one(tx, selectWorkers+"workspace_id = ?\nand work_pool_id = ?\nand id = ?", []any{tx.workspace, pool, id}, workersAt(now))
}

// FlowRunsByPool counts the flow runs of work pools. A pool that has none is left out.
func (tx *Tx) FlowRunsByPool(pools []uuid.UUID, f *api.FlowRunFilter) (map[uuid.UUID]int, error) {
	counts := map[uuid.UUID]int{}
	where := tx.whereFlowRuns(Filters{FlowRuns: f})
	args := append(dialect.Pad([]any{tx.workspace}, pools), where.args...)
	err := tx.Query(`
		select of_pool.work_pool_id, count(*)
		from work_queue of_pool
		join flow_run
			on flow_run.workspace_id = of_pool.workspace_id
			and flow_run.work_queue_id = of_pool.id
		where of_pool.workspace_id = ?
		and `+dialect.In("of_pool.work_pool_id", len(pools))+"\nand "+where.sql+"\ngroup by of_pool.work_pool_id", args, func(row *Row) error {
		var id uuid.UUID
		var n int
		err := row.Scan(&id, &n)
		counts[id] = n
		return err
	})
	return counts, err
}

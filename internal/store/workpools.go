package store

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const selectWorkPools = `
	select work_pool.id, work_pool.created, work_pool.updated, work_pool.name, work_pool.description, work_pool.type, work_pool.base_job_template, work_pool.is_paused,
	  work_pool.concurrency_limit, work_pool.status, work_pool.default_queue_id, work_pool.storage_configuration,
	  case when work_pool.concurrency_limit is null then null else (
	    select count(*)
	    from work_queue q
	    cross join flow_run r
	    where q.workspace_id = work_pool.workspace_id
	    and q.work_pool_id = work_pool.id
	    and r.workspace_id = q.workspace_id
	    and r.work_queue_id = q.id
	    and r.state_type in ('PENDING', 'RUNNING')
	  ) end,
	  work_pool.created_by, work_pool.updated_by
	from work_pool
	where `

const selectWorkPool = selectWorkPools + "work_pool.workspace_id = ?"

func scanWorkPool(row *Row) (p api.WorkPoolResponse, err error) {
	var storage jsontext.Value
	var by makers
	err = row.Scan(&p.ID, &p.Created, &p.Updated, &p.Name, &p.Description, &p.Type, &p.BaseJobTemplate, &p.IsPaused,
		&p.ConcurrencyLimit, &p.Status, &p.DefaultQueueID, &storage, &p.ActiveSlots, &by.created, &by.updated)
	if p.Type == AgentPool {
		p.Status = nil
	}
	if strings.HasSuffix(p.Type, ":push") {
		p.IsPushPool = new(bool)
		*p.IsPushPool = true
	}
	if strings.HasSuffix(p.Type, ":managed") {
		p.IsMexPool = new(bool)
		*p.IsMexPool = true
	}
	if err == nil {
		p.CreatedBy, p.UpdatedBy, err = by.read()
	}
	if err == nil {
		err = json.Unmarshal(storage, &p.StorageConfiguration)
	}
	return p, err
}

// AgentPool is the type of pools that agents served in old releases; they have no status.
const AgentPool = "prefect-agent"

// WorkPool returns the work pool of that name.
func (tx *Tx) WorkPool(name string) (*api.WorkPoolResponse, error) {
	return one(tx, selectWorkPool+"\nand work_pool.name = ?", []any{tx.workspace, name}, scanWorkPool)
}

// WorkPoolByID returns the work pool with that id.
func (tx *Tx) WorkPoolByID(id uuid.UUID) (*api.WorkPoolResponse, error) {
	return one(tx, selectWorkPool+"\nand work_pool.id = ?", []any{tx.workspace, id}, scanWorkPool)
}

// WorkPools lists work pools by name.
func (tx *Tx) WorkPools(f *api.WorkPoolFilter, sort api.WorkPoolSort, limit, offset int) ([]api.WorkPoolResponse, error) {
	where, page := tx.whereWorkPools(f), page(limit, offset)
	return many(tx, selectWorkPools+where.sql+"\norder by "+named("work_pool", string(sort))+page.sql, append(where.args, page.args...), scanWorkPool)
}

// CountWorkPools counts what WorkPools lists without a limit.
func (tx *Tx) CountWorkPools(f *api.WorkPoolFilter) (int, error) {
	return tx.count("work_pool", tx.whereWorkPools(f))
}

// one returns what scan makes of the first row, ErrNoRows when there is none.
func one[T any](tx *Tx, sql string, args []any, scan func(*Row) (T, error)) (*T, error) {
	list, err := many(tx, sql, args, scan)
	if err == nil && len(list) == 0 {
		err = ErrNoRows
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// many returns what scan makes of every row.
func many[T any](tx *Tx, sql string, args []any, scan func(*Row) (T, error)) ([]T, error) {
	return upTo(tx, 0, sql, args, scan)
}

// upTo is many where a full page of so many rows is to be expected when there are a few.
func upTo[T any](tx *Tx, page int, sql string, args []any, scan func(*Row) (T, error)) ([]T, error) {
	const few = 8
	list := []T{}
	err := tx.Query(sql, args, func(row *Row) error {
		v, err := scan(row)
		if len(list) == few && page > few { // growing copies what is large again and again
			list = slices.Grow(list, min(page, api.MaxPage)-few)
		}
		list = append(list, v)
		return err
	})
	return list, err
}

// InsertWorkPool adds a work pool, without its default queue.
func (tx *Tx) InsertWorkPool(p *api.WorkPoolResponse) error {
	storage, err := json.Marshal(p.StorageConfiguration)
	if err != nil {
		return err
	}
	by, err := optionalJSON(p.CreatedBy)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		insert into work_pool (workspace_id, id, created, updated, name, description, type, base_job_template, is_paused,
		  concurrency_limit, status, storage_configuration, created_by)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, p.ID, p.Created, p.Updated, p.Name, p.Description, p.Type, p.BaseJobTemplate, p.IsPaused,
		p.ConcurrencyLimit, statusOr(p.Status, api.WorkPoolStatusNotReady), jsontext.Value(storage), by)
	return err
}

func statusOr[T any](status *T, usual T) T {
	if status == nil {
		return usual
	}
	return *status
}

// SetWorkPool writes columns of a work pool.
func (tx *Tx) SetWorkPool(id uuid.UUID, sets ...Set) error {
	_, err := tx.setRow("work_pool", id, sets)
	return err
}

// DeleteWorkPool deletes a work pool with its queues and workers.
func (tx *Tx) DeleteWorkPool(id uuid.UUID) error {
	_, err := tx.deleteRow("work_pool", id)
	return err
}

// LastPoolStatus is the last event about a work pool's status, for the next one to follow.
func (tx *Tx) LastPoolStatus(id uuid.UUID) (event *uuid.UUID, at *api.Time, err error) {
	err = tx.QueryRow(`
		select last_status_event_id, last_transitioned_status_at
		from work_pool
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, id}, &event, &at)
	return event, at, err
}

// SilentPools returns the ids of READY work pools that have no worker online.
func (tx *Tx) SilentPools() ([]uuid.UUID, error) {
	return many(tx, `
		select p.id
		from work_pool p
		where p.workspace_id = ?
		and p.status = 'READY'
		and p.type <> 'prefect-agent'
		and not exists (
		  select 1
		  from worker w
		  where w.workspace_id = p.workspace_id
		  and w.work_pool_id = p.id
		  and w.status = 'ONLINE')
		order by p.id`, []any{tx.workspace}, scanID)
}

func scanID(row *Row) (id uuid.UUID, err error) { return id, row.Scan(&id) }

// PoolsPolled tells when a worker last asked for runs of work pools, of those where one has.
func (tx *Tx) PoolsPolled(pools []uuid.UUID) (map[uuid.UUID]api.Time, error) {
	where := all(tx.own("work_queue"), oneOf("work_queue.work_pool_id", pools), null("work_queue.last_polled", false))
	out := map[uuid.UUID]api.Time{}
	err := tx.Query("select work_pool_id, max(last_polled)\nfrom work_queue\nwhere "+where.sql+"\ngroup by work_pool_id", where.args, func(row *Row) error {
		var pool uuid.UUID
		var polled api.Time
		err := row.Scan(&pool, &polled)
		out[pool] = polled
		return err
	})
	return out, err
}

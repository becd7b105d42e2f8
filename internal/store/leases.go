package store

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/limits"
	"github.com/usherhq/usher/internal/rules/states"
)

// Lease holds slots of limits until it is released or expires.
type Lease struct {
	ID         uuid.UUID
	Created    api.Time
	Expiration api.Time
	Slots      int
	HolderType *string
	HolderID   *uuid.UUID
}

// endless is the expiration of a lease that ends only by release.
var endless = api.At(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))

func expiry(ttl time.Duration, now api.Time) api.Time {
	if ttl <= 0 {
		return endless
	}
	return api.At(now.Add(ttl))
}

// InsertLease adds a lease on limits. It takes no slots: see SaveSlots.
func (tx *Tx) InsertLease(l *Lease, on []uuid.UUID) error {
	_, err := tx.Exec(`
		insert into concurrency_lease (workspace_id, id, created, updated, expiration, slots, holder_type, holder_id)
		values (?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, l.ID, l.Created, l.Created, l.Expiration, l.Slots, l.HolderType, l.HolderID)
	if err != nil {
		return err
	}
	rows := make([][]any, len(on))
	for i, id := range on {
		rows[i] = []any{tx.workspace, l.ID, id}
	}
	_, err = tx.Insert("concurrency_lease_limit", []string{"workspace_id", "concurrency_lease_id", "concurrency_limit_id"}, rows, "")
	return err
}

// HasLease says whether a lease exists; an expired one does until it is reaped.
func (tx *Tx) HasLease(id uuid.UUID) (bool, error) { return tx.has("concurrency_lease", id) }

// RenewLease moves the expiry of a lease; ErrNoRows says that it is gone.
func (tx *Tx) RenewLease(id uuid.UUID, ttl time.Duration, now api.Time) error {
	return known(tx.setRow("concurrency_lease", id, []Set{{"expiration", expiry(ttl, now)}, {"updated", now}}))
}

// ReleaseLease ends a lease and gives its slots back. A lease that is gone is no error.
func (tx *Tx) ReleaseLease(id uuid.UUID, now api.Time) error { return tx.endLease(id, endless, now) }

// ReapLease is ReleaseLease for a lease that has expired. One that was renewed since
// ExpiredLeases found it stays.
func (tx *Tx) ReapLease(id uuid.UUID, now api.Time) error { return tx.endLease(id, now, now) }

// endLease ends a lease unless it expires after a time.
func (tx *Tx) endLease(id uuid.UUID, until, now api.Time) error {
	var created api.Time
	var slots int
	err := tx.QueryRow(`
		select created, slots
		from concurrency_lease
		where workspace_id = ?
		and id = ?
		and expiration <= ?`+tx.D().ForUpdate(), []any{tx.workspace, id, until}, &created, &slots)
	if errors.Is(err, ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	held := now.Sub(created.Time)
	if err := tx.giveBack(id, slots, &held, now); err != nil {
		return err
	}
	_, err = tx.deleteRow("concurrency_lease", id)
	return err
}

func (tx *Tx) giveBack(lease uuid.UUID, slots int, held *time.Duration, now api.Time) error {
	ids, err := many(tx, `
		select concurrency_limit_id
		from concurrency_lease_limit
		where workspace_id = ?
		and concurrency_lease_id = ?`, []any{tx.workspace, lease}, scanID)
	if err != nil || len(ids) == 0 {
		return err
	}
	found, err := tx.lockSlotsByID(ids)
	if err != nil {
		return err
	}
	for i := range found {
		free := found[i].Released(slots, held, now.Time)
		if err := tx.SaveSlots(&free); err != nil {
			return err
		}
	}
	return nil
}

// LeasesOf lists the leases that somebody holds.
func (tx *Tx) LeasesOf(holderType string, holder uuid.UUID) ([]uuid.UUID, error) {
	return many(tx, `
		select id
		from concurrency_lease
		where workspace_id = ?
		and holder_id = ?
		and holder_type = ?`, []any{tx.workspace, holder, holderType}, scanID)
}

// LeasesOn lists the leases on a limit.
func (tx *Tx) LeasesOn(limit uuid.UUID) ([]Lease, error) {
	return many(tx, `
		select concurrency_lease.id, concurrency_lease.created, concurrency_lease.expiration, concurrency_lease.slots,
			concurrency_lease.holder_type, concurrency_lease.holder_id
		from concurrency_lease_limit
		join concurrency_lease
			on concurrency_lease.workspace_id = concurrency_lease_limit.workspace_id
			and concurrency_lease.id = concurrency_lease_limit.concurrency_lease_id
		where concurrency_lease_limit.workspace_id = ?
		and concurrency_lease_limit.concurrency_limit_id = ?
		order by concurrency_lease.created, concurrency_lease.id`, []any{tx.workspace, limit},
		func(row *Row) (l Lease, err error) {
			return l, row.Scan(&l.ID, &l.Created, &l.Expiration, &l.Slots, &l.HolderType, &l.HolderID)
		})
}

// LimitHolders lists who holds slots of a limit, the longest first.
func (tx *Tx) LimitHolders(limit uuid.UUID) ([]api.LimitHolder, error) {
	return many(tx, `
		select l.id, l.slots, l.created, l.expiration, l.holder_type, l.holder_id,
			coalesce(r.name, t.name, d.name), coalesce(r.state_name, t.state_name)
		from concurrency_lease_limit on_limit
		join concurrency_lease l
			on l.workspace_id = on_limit.workspace_id
			and l.id = on_limit.concurrency_lease_id
		left join flow_run r
			on r.workspace_id = l.workspace_id
			and r.id = l.holder_id
			and l.holder_type = 'flow_run'
		left join task_run t
			on t.workspace_id = l.workspace_id
			and t.id = l.holder_id
			and l.holder_type = 'task_run'
		left join deployment d
			on d.workspace_id = l.workspace_id
			and d.id = l.holder_id
			and l.holder_type = 'deployment'
		where on_limit.workspace_id = ?
		and on_limit.concurrency_limit_id = ?
		order by l.created, l.id`, []any{tx.workspace, limit}, scanHolder)
}

func scanHolder(row *Row) (h api.LimitHolder, err error) {
	var expires api.Time
	err = row.Scan(&h.LeaseID, &h.Slots, &h.Acquired, &expires, &h.Type, &h.ID, &h.Name, &h.State)
	if expires.Before(endless.Time) {
		h.Expires = &expires
	}
	return h, err
}

// ExpiredLeases lists up to n leases of every workspace that have expired by now, all of
// whose time somebody was there to renew them with: attentive is for how long that was.
func (tx *Tx) ExpiredLeases(now api.Time, attentive time.Duration, n int) (workspaces, ids []uuid.UUID, err error) {
	err = tx.Query(`
		select workspace_id, id
		from concurrency_lease
		where expiration <= ?
		and expiration - updated <= ?
		order by expiration
		limit ?`, []any{now, attentive, n}, func(row *Row) error {
		var workspace, id uuid.UUID
		err := row.Scan(&workspace, &id)
		workspaces, ids = append(workspaces, workspace), append(ids, id)
		return err
	})
	return workspaces, ids, err
}

// NextExpiry is when the next lease of any workspace expires after now, nil when none does.
func (tx *Tx) NextExpiry(now api.Time) (at *api.Time, err error) {
	err = tx.QueryRow(`
		select min(expiration)
		from concurrency_lease
		where expiration > ?
		and expiration < ?`, []any{now, endless}, &at)
	return at, err
}

// AcquireSlots takes the slots that a decision asks for, under its lease.
func (tx *Tx) AcquireSlots(a *states.Acquire, holderType string, holder uuid.UUID, now api.Time) error {
	found, err := tx.lockSlotsByID(a.LimitIDs)
	if err != nil {
		return err
	}
	for i := range found {
		taken := found[i].Acquired(1, now.Time)
		if err := tx.SaveSlots(&taken); err != nil {
			return err
		}
	}
	lease := &Lease{ID: a.LeaseID, Created: now, Expiration: expiry(a.TTL, now), Slots: 1, HolderType: &holderType, HolderID: &holder}
	return tx.InsertLease(lease, idsOf(found))
}

func idsOf(list []limits.Limit) []uuid.UUID {
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// RenewSlots lets the slots of a lease be held for longer, if it still exists.
func (tx *Tx) RenewSlots(r *states.Renew, now api.Time) error {
	err := tx.RenewLease(r.LeaseID, r.TTL, now)
	if errors.Is(err, ErrNoRows) {
		return nil
	}
	return err
}

// ReleaseSlots gives the slots of a lease back, if it still exists.
func (tx *Tx) ReleaseSlots(lease uuid.UUID, now api.Time) error { return tx.ReleaseLease(lease, now) }

// ReleaseDeploymentSlots gives back every slot of a deployment's limit that a flow run
// holds.
func (tx *Tx) ReleaseDeploymentSlots(run, deployment uuid.UUID, now api.Time) error {
	leases, err := many(tx, `
		select l.id
		from concurrency_lease l
		join deployment d
			on d.workspace_id = l.workspace_id
			and d.id = ?
		join concurrency_lease_limit on_limit
			on on_limit.workspace_id = l.workspace_id
			and on_limit.concurrency_lease_id = l.id
			and on_limit.concurrency_limit_id = d.concurrency_limit_id
		where l.workspace_id = ?
		and l.holder_id = ?
		and l.holder_type = 'flow_run'`, []any{deployment, tx.workspace, run}, scanID)
	if err != nil {
		return err
	}
	return tx.releaseAll(leases, now)
}

// ReleaseSlotsIn gives back the slots of some limits that somebody holds, with those that
// were taken together with them.
func (tx *Tx) ReleaseSlotsIn(limits []uuid.UUID, holderType string, holder uuid.UUID, now api.Time) error {
	where := all(tx.own("l"), is("l.holder_type = ?", holderType), is("l.holder_id = ?", holder), oneOf("on_limit.concurrency_limit_id", limits))
	leases, err := many(tx, `
		select distinct l.id
		from concurrency_lease l
		join concurrency_lease_limit on_limit
			on on_limit.workspace_id = l.workspace_id
			and on_limit.concurrency_lease_id = l.id
		where `+where.sql, where.args, scanID)
	if err != nil {
		return err
	}
	return tx.releaseAll(leases, now)
}

// ReleaseSlotsOf gives back every slot that somebody holds.
func (tx *Tx) ReleaseSlotsOf(holderType string, holder uuid.UUID, now api.Time) error {
	leases, err := tx.LeasesOf(holderType, holder)
	if err != nil {
		return err
	}
	return tx.releaseAll(leases, now)
}

func (tx *Tx) releaseAll(leases []uuid.UUID, now api.Time) error {
	for _, id := range leases {
		if err := tx.ReleaseLease(id, now); err != nil {
			return err
		}
	}
	return nil
}

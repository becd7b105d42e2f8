package store

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/limits"
	"github.com/usherhq/usher/internal/rules/states"
)

const limitColumns = `
select concurrency_limit_v2.id, concurrency_limit_v2.created, concurrency_limit_v2.updated, concurrency_limit_v2.active,
	concurrency_limit_v2.name, concurrency_limit_v2."limit", concurrency_limit_v2.active_slots, concurrency_limit_v2.denied_slots,
	concurrency_limit_v2.slot_decay_per_second, concurrency_limit_v2.avg_slot_occupancy_seconds
from concurrency_limit_v2
`

func scanLimit(row *Row) (l api.ConcurrencyLimitV2, err error) {
	err = row.Scan(&l.ID, &l.Created, &l.Updated, &l.Active, &l.Name, &l.Limit, &l.ActiveSlots, &l.DeniedSlots,
		&l.SlotDecayPerSecond, &l.AvgSlotOccupancySeconds)
	return l, err
}

func scanSlots(row *Row) (limits.Limit, error) {
	l, err := scanLimit(row)
	if err != nil {
		return limits.Limit{}, err
	}
	return limits.Limit{
		ID: l.ID, Name: l.Name, Limit: l.Limit, Active: l.Active, Taken: l.ActiveSlots, Denied: l.DeniedSlots,
		Decay: float64(l.SlotDecayPerSecond), Occupancy: float64(l.AvgSlotOccupancySeconds), Updated: l.Updated.Time,
	}, nil
}

// ConcurrencyLimit returns a limit by its id.
func (tx *Tx) ConcurrencyLimit(id uuid.UUID) (*api.ConcurrencyLimitV2, error) {
	return one(tx, limitColumns+`
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, id}, scanLimit)
}

// ConcurrencyLimitByName returns a limit by its name.
func (tx *Tx) ConcurrencyLimitByName(name string) (*api.ConcurrencyLimitV2, error) {
	return one(tx, limitColumns+`
		where workspace_id = ?
		and name = ?`, []any{tx.workspace, name}, scanLimit)
}

// ConcurrencyLimits lists limits by name, those whose name begins with prefix.
func (tx *Tx) ConcurrencyLimits(prefix string, limit, offset int) ([]api.ConcurrencyLimitV2, error) {
	page := page(limit, offset)
	return many(tx, limitColumns+`
		where workspace_id = ?
		and name >= ?
		and name < ?
		order by name`+page.sql, append([]any{tx.workspace, prefix, prefix + "\U0010ffff"}, page.args...), scanLimit)
}

// InsertConcurrencyLimit adds a limit; ErrConflict says that its name is taken.
func (tx *Tx) InsertConcurrencyLimit(l *api.ConcurrencyLimitV2) error {
	_, err := tx.Exec(`
		insert into concurrency_limit_v2 (workspace_id, id, created, updated, active, name, "limit", active_slots, denied_slots, slot_decay_per_second, avg_slot_occupancy_seconds)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, l.ID, l.Created, l.Updated, l.Active, l.Name, l.Limit, l.ActiveSlots, l.DeniedSlots, l.SlotDecayPerSecond, l.AvgSlotOccupancySeconds)
	return err
}

// UpdateConcurrencyLimit writes columns of a limit.
func (tx *Tx) UpdateConcurrencyLimit(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("concurrency_limit_v2", id, sets))
}

// DeleteConcurrencyLimit removes a limit. Leases keep what they hold of others.
func (tx *Tx) DeleteConcurrencyLimit(id uuid.UUID) error {
	return known(tx.deleteRow("concurrency_limit_v2", id))
}

// LockSlots returns the limits of those names, in the order of their ids, and keeps them
// from others until the transaction ends. Names without a limit are left out.
func (tx *Tx) LockSlots(names []string) ([]limits.Limit, error) {
	return tx.lockSlots(all(tx.own("concurrency_limit_v2"), oneOf("name", names)))
}

func (tx *Tx) lockSlotsByID(ids []uuid.UUID) ([]limits.Limit, error) {
	return tx.lockSlots(all(tx.own("concurrency_limit_v2"), oneOf("id", ids)))
}

func (tx *Tx) lockSlots(where condition) ([]limits.Limit, error) {
	return many(tx, limitColumns+"where "+where.sql+"\norder by id"+tx.D().ForUpdate(), where.args, scanSlots)
}

// SaveSlots writes what is taken of a limit.
func (tx *Tx) SaveSlots(l *limits.Limit) error {
	_, err := tx.Exec(`
		update concurrency_limit_v2
		set active_slots = ?,
			denied_slots = ?,
			avg_slot_occupancy_seconds = ?,
			updated = ?
		where workspace_id = ?
		and id = ?`,
		l.Taken, l.Denied, l.Occupancy, api.At(l.Updated), tx.workspace, l.ID)
	return err
}

// TagSlots returns the limits on the tags of a task run, locked.
func (tx *Tx) TagSlots(tags []string, now api.Time) ([]states.Limit, error) {
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = "tag:" + tag
	}
	found, err := tx.LockSlots(names)
	out := make([]states.Limit, len(found))
	for i := range found {
		out[i] = slotsAt(&found[i], now)
	}
	return out, err
}

func slotsAt(l *limits.Limit, now api.Time) states.Limit {
	return states.Limit{
		ID: l.ID, Name: l.Name, Limit: l.Limit, Active: l.Active, ActiveSlots: l.At(now.Time).Taken,
		AverageOccupancy: time.Duration(l.Occupancy * float64(time.Second)),
	}
}

// DeploymentSlots returns a deployment's concurrency limit, locked, and its options.
// ErrNoRows says that the deployment is gone.
func (tx *Tx) DeploymentSlots(id uuid.UUID, now api.Time) (*states.Deployment, error) {
	var limitID *uuid.UUID
	var options jsontext.Value
	err := tx.QueryRow(`
		select concurrency_limit_id, concurrency_options
		from deployment
		where workspace_id = ?
		and id = ?`,
		[]any{tx.workspace, id}, &limitID, &options)
	if err != nil {
		return nil, err
	}
	out := &states.Deployment{}
	if out.Options, err = optional[api.ConcurrencyOptions](options); err != nil || limitID == nil {
		return out, err
	}
	found, err := tx.lockSlotsByID([]uuid.UUID{*limitID})
	if err == nil && len(found) > 0 {
		limit := slotsAt(&found[0], now)
		out.Limit = &limit
	}
	return out, err
}

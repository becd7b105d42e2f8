package store

import (
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/heartbeat"
)

// Heartbeats is a flow run's state with what is known of its heartbeats.
type Heartbeats struct {
	StateID   *uuid.UUID
	StateType *api.StateType
	Pulse     *heartbeat.Pulse // nil: the run was not heard of
	Due       api.Time         // when something is to be done about its silence
}

// Heartbeats reads what is known of a run's heartbeats. ErrNoRows says that there is no
// such run.
func (tx *Tx) Heartbeats(run uuid.UUID) (*Heartbeats, error) {
	return one(tx, `
		select r.state_id, r.state_type, h.state_id, h.heard, h.sent, h.every, h.due
		from flow_run r
		left join flow_run_heartbeat h
			on h.workspace_id = r.workspace_id
			and h.flow_run_id = r.id
		where r.workspace_id = ?
		and r.id = ?`, []any{tx.workspace, run}, scanHeartbeats)
}

func scanHeartbeats(row *Row) (h Heartbeats, err error) {
	var (
		state            *uuid.UUID
		heard, sent, due *api.Time
		every            *time.Duration
	)
	if err := row.Scan(&h.StateID, &h.StateType, &state, &heard, &sent, &every, &due); err != nil || state == nil {
		return h, err
	}
	h.Pulse, h.Due = &heartbeat.Pulse{StateID: *state, Heard: *heard, Sent: *sent, Every: *every}, *due
	return h, nil
}

// SavePulse writes what is known of a run's heartbeats.
func (tx *Tx) SavePulse(run uuid.UUID, p *heartbeat.Pulse, due api.Time) error {
	_, err := tx.Exec(`
		insert into flow_run_heartbeat (workspace_id, flow_run_id, state_id, heard, sent, every, due)
		values (?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, flow_run_id) do update
		set state_id = excluded.state_id,
		  heard = excluded.heard,
		  sent = excluded.sent,
		  every = excluded.every,
		  due = excluded.due`,
		tx.workspace, run, p.StateID, p.Heard, p.Sent, p.Every, due)
	return err
}

// ForgetPulse removes what is known of a run's heartbeats.
func (tx *Tx) ForgetPulse(run uuid.UUID) error {
	_, err := tx.Exec(`
		delete from flow_run_heartbeat
		where workspace_id = ?
		and flow_run_id = ?`, tx.workspace, run)
	return err
}

const silentRuns = `
	select flow_run_id
	from flow_run_heartbeat
	where workspace_id = ?
	and due <= ?
	and due - heard <= ?
	order by due
	limit ?`

// SilentRuns lists runs that have been silent for as long as they may at now, all of
// which time somebody listened: attentive is for how long that was.
func (tx *Tx) SilentRuns(now api.Time, attentive time.Duration, limit int) ([]uuid.UUID, error) {
	return many(tx, silentRuns, []any{tx.workspace, now, attentive, limit}, scanID)
}

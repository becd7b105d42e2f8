package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// RunToken lets the program of one flow run in.
type RunToken struct {
	WorkspaceID, ID, FlowRunID, ActorID uuid.UUID
	Created, Expires                    api.Time
	// Ended is when the run came to its end, nil while it has not.
	Ended *api.Time
}

// terminal are the states that end a run.
const terminal = "('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"

// RunTokenByHash returns the token with a hash, of any workspace. There is none for a run
// that is gone.
func (tx *Tx) RunTokenByHash(hash []byte) (*RunToken, error) {
	t, err := one(tx, "select workspace_id, id, flow_run_id, actor_id, created, expires\nfrom run_token\nwhere hash = ?", []any{hash}, func(row *Row) (t RunToken, err error) {
		return t, row.Scan(&t.WorkspaceID, &t.ID, &t.FlowRunID, &t.ActorID, &t.Created, &t.Expires)
	})
	if err != nil {
		return nil, err
	}
	return t, tx.In(t.WorkspaceID, func(in *Tx) (err error) {
		t.Ended, err = in.FlowRunEnded(t.FlowRunID)
		return err
	})
}

// RunTokens lists the tokens of a flow run, the newest first.
func (tx *Tx) RunTokens(run uuid.UUID) ([]RunToken, error) {
	return many(tx, `
		select workspace_id, id, flow_run_id, actor_id, created, expires
		from run_token
		where workspace_id = ?
		and flow_run_id = ?
		order by created desc, id desc`, []any{tx.workspace, run}, func(row *Row) (t RunToken, err error) {
		return t, row.Scan(&t.WorkspaceID, &t.ID, &t.FlowRunID, &t.ActorID, &t.Created, &t.Expires)
	})
}

// InsertRunToken adds a token with the hash of its secret. The run it is for may touch
// itself from then on.
func (tx *Tx) InsertRunToken(t *RunToken, hash []byte) error {
	_, err := tx.Exec(`
		insert into run_token (workspace_id, hash, id, flow_run_id, actor_id, created, expires)
		values (?, ?, ?, ?, ?, ?, ?)`, tx.workspace, hash, t.ID, t.FlowRunID, t.ActorID, t.Created, t.Expires)
	if err != nil {
		return err
	}
	return tx.Reach(t.FlowRunID, t.FlowRunID)
}

// DeleteRunTokens removes the tokens of a flow run and says how many there were.
func (tx *Tx) DeleteRunTokens(run uuid.UUID) (int64, error) {
	return tx.Exec("delete from run_token\nwhere workspace_id = ?\nand flow_run_id = ?", tx.workspace, run)
}

// deadRunTokens is true for the tokens that have expired by now, and those of runs that are gone or
// have ended before a time.
func (tx *Tx) deadRunTokens(now, ended api.Time) condition {
	return all(tx.own("run_token"), either(is("run_token.expires <= ?", now), not(exists("flow_run r", is(`r.workspace_id = run_token.workspace_id
		and r.id = run_token.flow_run_id
		and (r.state_type is null or r.state_type not in `+terminal+` or r.state_timestamp > ?)`, ended)))))
}

// HasDeadRunTokens says whether DeleteDeadRunTokens has something to do.
func (tx *Tx) HasDeadRunTokens(now, ended api.Time) (bool, error) {
	n, err := tx.count("run_token", tx.deadRunTokens(now, ended))
	return n > 0, err
}

// DeleteDeadRunTokens removes the tokens that have expired by now, and those of runs that
// are gone or have ended before a time.
func (tx *Tx) DeleteDeadRunTokens(now, ended api.Time) error {
	_, err := tx.deleteWhere("run_token", tx.deadRunTokens(now, ended))
	return err
}

// FlowRunEnded is when a flow run came to its end, nil while it has not.
func (tx *Tx) FlowRunEnded(run uuid.UUID) (at *api.Time, err error) {
	return at, tx.QueryRow(`
		select case when state_type in `+terminal+` then state_timestamp end
		from flow_run
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, run}, &at)
}

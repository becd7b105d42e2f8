package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// RunTokenLife is how long the token of a run is good if the run never ends. After its end
// it is good for credential.RunGrace, with what caches know for a minute at most.
const RunTokenLife = 30 * 24 * time.Hour

// runScopes is the most that the program of a run may do, whoever has started it.
var runScopes = ScopesOf([]string{
	"see_flows", "run_flows", "run_tasks", "see_deployments", "run_deployments", "see_blocks", "see_secret_blocks", "see_variables", "write_variables",
	"see_artifacts", "write_artifacts", "see_concurrency_limits", "manage_concurrency_limits", "see_events", "manage_events", "see_work_pools",
	"see_work_queues", "see_workspace_settings", "see_assets", "write_assets",
})

// GrantRunToken makes the token of a flow run, which acts for who asks for it, a worker. The
// tokens that the run had end, unless they are kept: then its program may still be running.
// A run that has ended gets none.
func (s *Service) GrantRunToken(ctx context.Context, by By, workspace, run uuid.UUID, keep bool) (secret string, expires api.Time, err error) {
	secret, now := NewSecret(credential.RunToken), s.Now()
	expires = api.Time{Time: now.Add(RunTokenLife)}
	grant := func(tx *store.Tx) error {
		if !keep {
			if _, err := tx.DeleteRunTokens(run); err != nil {
				return err
			}
		}
		ended, err := tx.FlowRunEnded(run)
		if err != nil {
			return missing("Flow run", err)
		}
		if ended != nil && now.Sub(ended.Time) >= credential.RunGrace {
			return api.Errorf(api.CodeConflict, "The flow run has ended, so it gets no token.")
		}
		t := &store.RunToken{ID: newID(), FlowRunID: run, ActorID: by.Actor.ID, Created: now, Expires: expires}
		return tx.InsertRunToken(t, credential.Hash(secret))
	}
	return secret, expires, refused(s.store.Write(ctx, workspace, grant))
}

// RunTokens lists the tokens of a flow run that are good, without their secrets.
func (s *Service) RunTokens(ctx context.Context, workspace, run uuid.UUID) (out []api.RunTokenInfo, err error) {
	err = s.store.Read(ctx, workspace, func(tx *store.Tx) error {
		out = []api.RunTokenInfo{}
		now := s.Now()
		ended, err := tx.FlowRunEnded(run)
		if err != nil {
			return missing("Flow run", err)
		}
		if ended != nil && now.Sub(ended.Time) >= credential.RunGrace {
			return nil
		}
		list, err := tx.RunTokens(run)
		for _, t := range list {
			if t.Expires.After(now.Time) {
				out = append(out, api.RunTokenInfo{ID: t.ID, Created: t.Created, Expires: t.Expires, ActorID: t.ActorID, FlowRunID: t.FlowRunID})
			}
		}
		return err
	})
	return out, err
}

// RevokeRunTokens ends the tokens of a flow run at once and says how many there were.
func (s *Service) RevokeRunTokens(ctx context.Context, by By, account, workspace, run uuid.UUID) (ended int, err error) {
	err = s.ChangeIn(ctx, workspace, func(tx *store.Tx) error {
		if _, err := tx.FlowRunEnded(run); err != nil {
			return missing("Flow run", err)
		}
		n, err := tx.DeleteRunTokens(run)
		if ended = int(n); err != nil || n == 0 {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Workspace: &workspace, Type: "run-token", Action: "revoked", ID: run})
	})
	return ended, err
}

// lookUpRunToken finds the token of a run that has not ended, or only just.
func (s *Service) lookUpRunToken(tx *store.Tx, secret string, now api.Time) (*Credential, error) {
	t, err := none(tx.RunTokenByHash(credential.Hash(secret)))
	if err != nil || t == nil {
		return nil, err
	}
	expires := t.Expires
	if t.Ended != nil && t.Ended.Add(credential.RunGrace).Before(expires.Time) {
		expires = api.Time{Time: t.Ended.Add(credential.RunGrace)}
	}
	if !expires.After(now.Time) {
		return nil, nil
	}
	bound := runScopes
	return &Credential{
		ID: t.ID, Kind: credential.RunToken, Name: "token of a run", ActorID: t.ActorID, Method: "run", Expires: &expires,
		Workspace: &t.WorkspaceID, Scopes: &bound, Run: &t.FlowRunID,
	}, nil
}

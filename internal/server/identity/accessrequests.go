package identity

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// RequestAccess asks for a role in a workspace of the account for a while. Somebody else who
// may give it decides.
func (s *Service) RequestAccess(ctx context.Context, by By, account uuid.UUID, in *api.AccessRequestCreate) (out *api.AccessRequest, err error) {
	if strings.TrimSpace(in.Reason) == "" {
		return nil, api.Errorf(api.CodeInvalid, "Say what the access is for: whoever decides reads it.")
	}
	err = s.Write(ctx, func(tx *store.Tx) error {
		w, err := tx.WorkspaceByID(in.WorkspaceID)
		if err == nil && w.AccountID != account {
			err = store.ErrNoRows
		}
		if err != nil {
			return missing("Workspace", err)
		}
		roles, err := workspaceRoles(tx, account)
		if err != nil {
			return err
		}
		if _, ok := roles[in.RoleID]; !ok {
			return api.Errorf(api.CodeNotFound, "Workspace role not found")
		}
		now := s.Now()
		r := &store.AccessRequest{
			AccountID: account, WorkspaceID: w.ID, ID: newID(), Created: now, Updated: now, ActorID: by.Actor.ID, ActorType: by.Actor.Type,
			RoleID: in.RoleID, Seconds: in.Seconds, Reason: in.Reason, Status: store.RequestPending,
		}
		if err := tx.AddAccessRequest(r); err != nil {
			return err
		}
		if out, err = s.requestOf(tx, r); err != nil {
			return err
		}
		return s.auditRequest(tx, by, "created", r)
	})
	return out, err
}

// auditRequest writes down what became of a request.
func (s *Service) auditRequest(tx *store.Tx, by By, action string, r *store.AccessRequest) error {
	return s.Audit(tx, by, Entry{
		Account: r.AccountID, Workspace: &r.WorkspaceID, Type: "access-request", Action: action, ID: r.ID,
		Details: map[string]any{"actor_id": r.ActorID, "workspace_role_id": r.RoleID, "seconds": r.Seconds, "reason": r.Reason, "expires": r.Expires},
	})
}

// AccessRequests lists requests of an account, the newest first: one's own, and those for
// workspaces in which one gives access.
func (s *Service) AccessRequests(ctx context.Context, by By, account uuid.UUID, limit, offset int) ([]api.AccessRequest, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.AccessRequest, error) {
		var decides []uuid.UUID
		for _, g := range by.Actor.Workspaces() {
			if g.Workspace.AccountID == account && (g.Scopes.Has(givesUsers) || g.Scopes.Has(givesBots)) {
				decides = append(decides, g.Workspace.ID)
			}
		}
		list, err := tx.AccessRequests(account, by.Actor.ID, decides, limit, offset)
		if err != nil {
			return nil, err
		}
		return s.requestsOf(tx, account, list)
	})
}

// The scopes of who gives access.
const (
	givesUsers access.Scope = "manage_workspace_users"
	givesBots  access.Scope = "manage_workspace_service_accounts"
)

// names are the names of an account's workspaces, people, service accounts and roles in
// workspaces, by id.
func (s *Service) names(tx *store.Tx, account uuid.UUID) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	spaces, err := tx.WorkspacesOf(account)
	if err != nil {
		return nil, err
	}
	for _, w := range spaces {
		names[w.ID] = w.Handle
	}
	people, err := tx.DirectoryUsers(account)
	if err != nil {
		return nil, err
	}
	for i := range people {
		names[people[i].User.ID] = people[i].User.Email
	}
	bots, err := tx.Bots(account)
	if err != nil {
		return nil, err
	}
	for _, b := range bots {
		names[b.ID] = b.Name
	}
	for _, r := range access.WorkspaceRoles() {
		names[r.ID] = r.Name
	}
	own, err := tx.WorkspaceRoles(account)
	for _, r := range own {
		names[r.ID] = r.Name
	}
	return names, err
}

// requestsOf are requests as the API shows them.
func (s *Service) requestsOf(tx *store.Tx, account uuid.UUID, list []store.AccessRequest) ([]api.AccessRequest, error) {
	names, err := s.names(tx, account)
	out := []api.AccessRequest{}
	for _, r := range list {
		one := api.AccessRequest{
			ID: r.ID, Created: r.Created, Updated: r.Updated, WorkspaceID: r.WorkspaceID, Workspace: names[r.WorkspaceID], ActorID: r.ActorID, Actor: names[r.ActorID],
			RoleID: r.RoleID, Role: names[r.RoleID], Seconds: r.Seconds, Reason: r.Reason, Status: r.Status, DecidedBy: r.DecidedBy, Expires: r.Expires,
		}
		if r.Status == store.RequestApproved && !r.Expires.After(s.Now().Time) {
			one.Status = store.RequestExpired
		}
		out = append(out, one)
	}
	return out, err
}

func (s *Service) requestOf(tx *store.Tx, r *store.AccessRequest) (*api.AccessRequest, error) {
	list, err := s.requestsOf(tx, r.AccountID, []store.AccessRequest{*r})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// DecideAccess approves or denies a request, withdraws one's own, or revokes one that was
// approved. Nobody approves their own, and nobody gives more than they have.
func (s *Service) DecideAccess(ctx context.Context, by By, account, id uuid.UUID, status string) (out *api.AccessRequest, err error) {
	err = s.Change(ctx, func(tx *store.Tx) error {
		r, err := tx.AccessRequest(account, id)
		if err != nil {
			return missing("Access request", err)
		}
		from := r.Status
		if err := s.mayDecide(tx, by, r, status); err != nil {
			return err
		}
		now := s.Now()
		r.Status, r.Updated, r.DecidedBy, r.Expires = status, now, &by.Actor.ID, nil
		if status == store.RequestApproved {
			end := api.At(now.Add(seconds(r.Seconds)))
			r.Expires = &end
		}
		if settled, err := tx.SettleAccessRequest(r, from); err != nil || !settled {
			return firstOf(err, api.Errorf(api.CodeConflict, "Somebody else has just decided that."))
		}
		if out, err = s.requestOf(tx, r); err != nil {
			return err
		}
		return s.auditRequest(tx, by, strings.ToLower(status), r)
	})
	return out, err
}

func (s *Service) mayDecide(tx *store.Tx, by By, r *store.AccessRequest, status string) error {
	own := r.ActorID == by.Actor.ID
	g, _ := by.Actor.Workspace(r.WorkspaceID)
	scope := givesUsers
	if r.ActorType == store.ActorBot {
		scope = givesBots
	}
	decides := g.Scopes.Has(scope)
	if !own && !decides {
		return api.Errorf(api.CodeNotFound, "Access request not found")
	}
	switch {
	case status == store.RequestRevoked && r.Status != store.RequestApproved, status != store.RequestRevoked && r.Status != store.RequestPending:
		return api.Errorf(api.CodeConflict, "This request is %s: that can't be done with it any more.", strings.ToLower(r.Status))
	case status == store.RequestWithdrawn && !own:
		return api.Errorf(api.CodeForbidden, "Only who has asked withdraws a request: deny it.")
	case own && (status == store.RequestApproved || status == store.RequestDenied):
		return api.Errorf(api.CodeForbidden, "Nobody decides on their own request: somebody else who may give access here does.")
	case status != store.RequestApproved:
		return nil
	}
	w, err := tx.WorkspaceByID(r.WorkspaceID)
	if err != nil {
		return err
	}
	return s.mayGrant(tx, by, w, r.RoleID)
}

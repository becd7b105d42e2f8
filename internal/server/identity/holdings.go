package identity

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// UsageLimits are the limits of an account: those of the server, and otherwise none.
func (s *Service) UsageLimits(ctx context.Context, account uuid.UUID) (*api.UsageLimits, error) {
	if _, err := s.Account(ctx, account); err != nil {
		return nil, err
	}
	out := &api.UsageLimits{UserLimit: math.MaxInt32, WorkspaceLimit: math.MaxInt32}
	if n := s.meter.rates.Requests; n > 0 {
		out.OrchestrationRateLimit = &n
	}
	if n := s.meter.rates.LogsEvents; n > 0 {
		out.LogRateLimit = &n
	}
	return out, nil
}

// SpacesUsage tells what the workspaces of an account hold.
func (s *Service) SpacesUsage(ctx context.Context, account uuid.UUID) ([]api.WorkspaceUsage, error) {
	spaces, err := read(ctx, s, func(tx *store.Tx) ([]store.Workspace, error) { return tx.WorkspacesOf(account) })
	out := make([]api.WorkspaceUsage, len(spaces))
	for i := 0; i < len(spaces) && err == nil; i++ {
		w := &spaces[i]
		err = refused(s.store.Read(ctx, w.ID, func(tx *store.Tx) error {
			u, err := tx.SpaceUsage()
			out[i] = api.WorkspaceUsage{
				ID: w.ID, Name: w.Name, Automations: u.Automations, Deployments: u.Deployments, WorkPools: u.WorkPools,
				NonManagedWorkPools: u.WorkPools - u.ManagedPools, ManagedWorkPools: u.ManagedPools,
			}
			return err
		}))
	}
	return out, err
}

// Actors lists who has access to a workspace.
func (s *Service) Actors(ctx context.Context, account, workspace uuid.UUID) ([]api.WorkspaceActor, error) {
	out := []api.WorkspaceActor{}
	for _, kind := range []string{ActorUser, ActorBot, ActorTeam} {
		list, err := s.Accesses(ctx, account, workspace, kind, nil)
		if err != nil {
			return nil, err
		}
		for i := range list {
			out = append(out, actorOf(&list[i]))
		}
	}
	return out, nil
}

func actorOf(a *api.WorkspaceAccess) api.WorkspaceActor {
	switch {
	case a.BotID != nil:
		return api.WorkspaceActor{ID: *a.BotID, Name: *a.BotName, Type: "service_account"}
	case a.TeamID != nil:
		return api.WorkspaceActor{ID: *a.TeamID, Name: *a.TeamName, Type: "team"}
	}
	out := api.WorkspaceActor{Type: "user", Email: a.Email}
	if a.ActorID != nil {
		out.ID = *a.ActorID
	}
	if a.Handle != nil {
		out.Name = *a.Handle
	}
	return out
}

// LeaveWorkspace takes the access to a workspace away that who asks has been given there.
func (s *Service) LeaveWorkspace(ctx context.Context, by By, account, workspace uuid.UUID) error {
	return s.ChangeIn(ctx, workspace, func(tx *store.Tx) error {
		all, err := tx.Accesses()
		for i := 0; i < len(all) && err == nil; i++ {
			if a := &all[i]; a.SubjectType == by.Actor.Type && a.SubjectID == by.Actor.ID {
				return s.dropAccess(tx, by, account, workspace, a)
			}
		}
		if err == nil {
			err = api.Errorf(api.CodeConflict, "Your access to this workspace comes from a team or from your role in the account: you can't leave it by itself.")
		}
		return err
	})
}

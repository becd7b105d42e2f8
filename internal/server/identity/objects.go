package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// The kinds of objects that may have lists of who may use them, and the levels.
const (
	ObjectBlock      = store.ObjectBlock
	ObjectDeployment = store.ObjectDeployment
	ObjectWorkPool   = store.ObjectWorkPool

	LevelView   = store.LevelView
	LevelRun    = store.LevelRun
	LevelManage = store.LevelManage
)

// levels are what one may do with an object, each including those before it.
var levels = []string{store.LevelView, store.LevelRun, store.LevelManage}

// objects are the objects of a workspace that not everybody may use, with the highest level
// that an actor has; "" is none.
type objects map[objectKey]string

type objectKey struct {
	kind string
	id   uuid.UUID
}

// objectsOf finds what an actor may do with single objects in the workspaces of an account.
func (a *Actor) objectsOf(tx *store.Tx, account uuid.UUID) (map[uuid.UUID]objects, error) {
	all, err := tx.ObjectAccessesOf(account)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	teams, err := tx.TeamsOf(a.ID)
	out := map[uuid.UUID]objects{}
	for _, g := range all {
		if out[g.WorkspaceID] == nil {
			out[g.WorkspaceID] = objects{}
		}
		key := objectKey{g.Kind, g.Object}
		has := out[g.WorkspaceID][key]
		mine := g.Subject == uuid.UUID{} || g.Subject == a.ID || g.IsTeam && slices.Contains(teams, g.Subject)
		if mine && slices.Index(levels, g.Level) > slices.Index(levels, has) {
			has = g.Level
		}
		out[g.WorkspaceID][key] = has
	}
	return out, err
}

// AllHidden lists the objects that the actor may not even see, by kind.
func (g *WorkspaceGrant) AllHidden() map[string][]uuid.UUID {
	hidden := map[string][]uuid.UUID{}
	for key, has := range g.objects {
		if has == "" {
			hidden[key.kind] = append(hidden[key.kind], key.id)
		}
	}
	return hidden
}

// MayUse says whether the actor may do something with an object, and whether it may see it.
func (g *WorkspaceGrant) MayUse(kind string, id uuid.UUID, level string) (may, sees bool) {
	has, bounded := g.objects[objectKey{kind, id}]
	if !bounded {
		return true, true
	}
	return slices.Index(levels, has) >= slices.Index(levels, level), has != ""
}

// Bounded says whether there is any object that not everybody may use.
func (g *WorkspaceGrant) Bounded() bool { return len(g.objects) > 0 }

// Levels lists what the actor may do with an object: what the list of the object says, or
// what its scopes say when there is none.
func (g *WorkspaceGrant) Levels(kind string, id uuid.UUID) []string {
	out := []string{}
	for i := len(levels) - 1; i >= 0; i-- {
		level := levels[i]
		scope := map[string]string{
			store.ObjectBlock + "view": "see_blocks", store.ObjectBlock + "manage": "manage_blocks",
			store.ObjectDeployment + "view": "see_deployments", store.ObjectDeployment + "run": "run_deployments", store.ObjectDeployment + "manage": "manage_deployments",
			store.ObjectWorkPool + "view": "see_work_pools", store.ObjectWorkPool + "run": "run_deployments", store.ObjectWorkPool + "manage": "manage_work_pools",
		}[kind+level]
		may, _ := g.MayUse(kind, id, level)
		if scope != "" && may && g.Scopes.Has(access.Scope(scope)) {
			out = append(out, level)
		}
	}
	return out
}

// ObjectControl is who may use an object, by level.
func (s *Service) ObjectControl(ctx context.Context, account, workspace uuid.UUID, kind string, id uuid.UUID) (out map[string][]api.ObjectActor, err error) {
	err = refused(s.store.Read(ctx, workspace, func(tx *store.Tx) error {
		out = map[string][]api.ObjectActor{"manage_actors": {}, "view_actors": {}}
		if kind != store.ObjectBlock {
			out["run_actors"] = []api.ObjectActor{}
		}
		if ok, err := tx.HasObject(kind, id); err != nil || !ok {
			return missing(objectName(kind), errOr(err, store.ErrNoRows))
		}
		list, err := tx.ObjectAccesses(kind, id)
		for _, a := range list {
			if err != nil {
				return err
			}
			var who *api.ObjectActor
			if who, err = objectActor(tx, account, a); err == nil && who != nil {
				out[a.Level+"_actors"] = append(out[a.Level+"_actors"], *who)
			}
		}
		return err
	}))
	return out, err
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func objectName(kind string) string {
	words := strings.ReplaceAll(kind, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// objectActor tells who a subject is; nil when it is gone.
func objectActor(tx *store.Tx, account uuid.UUID, a store.ObjectAccess) (*api.ObjectActor, error) {
	switch {
	case a.Subject == uuid.UUID{}:
		return &api.ObjectActor{ID: "*", Name: "*", Type: "*"}, nil
	case a.IsTeam:
		t, err := none(tx.Team(account, a.Subject))
		if err != nil || t == nil {
			return nil, err
		}
		return &api.ObjectActor{ID: t.ID.String(), Name: t.Name, Type: "team"}, nil
	}
	u, err := none(tx.User(a.Subject))
	if err != nil {
		return nil, err
	}
	if u != nil {
		return &api.ObjectActor{ID: u.ID.String(), Name: strings.TrimSpace(u.FirstName + " " + u.LastName), Email: &u.Email, Type: store.ActorUser}, nil
	}
	b, err := none(tx.BotByID(a.Subject))
	if err != nil || b == nil {
		return nil, err
	}
	return &api.ObjectActor{ID: b.ID.String(), Name: b.Name, Type: store.ActorBot}, nil
}

// SetObjectControl replaces who may use an object. From then on nobody else may, but the
// account's owners and admins and the owners of the workspace.
func (s *Service) SetObjectControl(ctx context.Context, by By, account, workspace uuid.UUID, kind string, id uuid.UUID, in *api.ReplaceObjectAccess) error {
	return s.ChangeIn(ctx, workspace, func(tx *store.Tx) error {
		if ok, err := tx.HasObject(kind, id); err != nil || !ok {
			return missing(objectName(kind), errOr(err, store.ErrNoRows))
		}
		var list []store.ObjectAccess
		add := func(level string, actors []string, teams []uuid.UUID) error {
			for _, text := range actors {
				subject, err := uuid.Parse(text)
				switch {
				case text == "*":
					subject = uuid.UUID{} // everybody
				case err != nil:
					return api.Errorf(api.CodeInvalid, "%q is the id of no actor.", text)
				default:
					if _, err := tx.MembershipOf(account, subject); err != nil {
						return missing("Actor", err)
					}
				}
				list = append(list, store.ObjectAccess{Level: level, Subject: subject})
			}
			for _, team := range teams {
				if _, err := tx.Team(account, team); err != nil {
					return missing("Team", err)
				}
				list = append(list, store.ObjectAccess{Level: level, Subject: team, IsTeam: true})
			}
			return nil
		}
		for _, err := range []error{add(store.LevelManage, in.ManageActors, in.ManageTeams), add(store.LevelRun, in.RunActors, in.RunTeams), add(store.LevelView, in.ViewActors, in.ViewTeams)} {
			if err != nil {
				return err
			}
		}
		if err := tx.SetObjectAccesses(kind, id, list); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Workspace: &workspace, Type: strings.ReplaceAll(kind, "_", "-") + "-access", Action: "updated", ID: id, Details: map[string]any{"entries": len(list)}})
	})
}

// ObjectID finds the object that a path means by its name.
func (s *Service) ObjectID(ctx context.Context, workspace uuid.UUID, kind, name string) (id uuid.UUID, err error) {
	err = refused(s.store.Read(ctx, workspace, func(tx *store.Tx) (err error) {
		id, err = tx.ObjectNamed(kind, name)
		return missing(objectName(kind), err)
	}))
	return id, err
}

package server

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

// KeyLine is a version of a workspace's key in the report of Keys.
type KeyLine struct {
	Workspace   string    `json:"workspace"`
	WorkspaceID uuid.UUID `json:"workspace_id"`
	Version     int       `json:"version"`
	Created     api.Time  `json:"created"`
	Secrets     int       `json:"secrets"`
	State       string    `json:"state"`
	MasterKey   string    `json:"master_key"`
}

// The states of a key: the newest seals, after a rotation while others have secrets.
const (
	KeySeals     = "in use"
	KeyResealing = "in use, resealing"
	KeyOld       = "old"
)

// Keys reports the keys of all workspaces. A server may run on the database meanwhile.
func Keys(ctx context.Context, o Options) (list []KeyLine, err error) {
	err = withCore(ctx, o, func(c *core.Core) error {
		workspaces, err := c.Workspaces(ctx)
		for i := 0; i < len(workspaces) && err == nil; i++ {
			var keys []core.KeyStatus
			keys, err = c.KeyStatus(ctx, core.Caller{Workspace: workspaces[i].ID})
			for _, k := range keys {
				list = append(list, line(workspaces[i], k))
			}
		}
		return err
	})
	return list, err
}

func line(w store.Workspace, k core.KeyStatus) KeyLine {
	state := KeyOld
	switch {
	case k.Resealing:
		state = KeyResealing
	case k.Seals:
		state = KeySeals
	}
	return KeyLine{w.Name, w.ID, k.Version, k.Created, k.Secrets, state, k.Master}
}

// RotateKeys gives a workspace, named or by id, a new key and seals its secrets with it;
// with "" each workspace. It tells of each that is done.
func RotateKeys(ctx context.Context, o Options, workspace string, tell func(workspace string, version int)) error {
	return withCore(ctx, o, func(c *core.Core) error {
		workspaces, err := c.Workspaces(ctx)
		if err != nil {
			return err
		}
		found := false
		for _, w := range workspaces {
			if workspace != "" && workspace != w.Name && workspace != w.ID.String() {
				continue
			}
			found = true
			version, err := c.RotateKey(ctx, core.Caller{Workspace: w.ID})
			if err == nil {
				err = c.Reseal(ctx, core.Caller{Workspace: w.ID})
			}
			if err != nil {
				return err
			}
			tell(w.Name, version)
		}
		if !found {
			return api.Errorf(api.CodeNotFound, "There is no workspace %q.", workspace)
		}
		return nil
	})
}

// RotateMaster replaces the master key; see core's.
func RotateMaster(ctx context.Context, o Options) (name string, done bool, err error) {
	err = withCore(ctx, o, func(c *core.Core) (err error) {
		name, done, err = c.RotateMaster(ctx)
		return err
	})
	return name, done, err
}

// withCore runs fn on a database that must be at the newest version.
func withCore(ctx context.Context, o Options, fn func(*core.Core) error) error {
	o.Database.SkipMigrations = true
	c, err := openCore(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Store.Close())
}

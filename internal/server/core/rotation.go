package core

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/store"
)

// resealBatch is how many secrets are sealed anew in one transaction, so that no other
// write waits for long.
const resealBatch = 100

// Workspaces lists all workspaces.
func (c *Core) Workspaces(ctx context.Context) ([]store.Workspace, error) {
	return value(ctx, c, Caller{Workspace: DefaultWorkspace}, (*store.Tx).Workspaces)
}

// KeyStatus is a version of a workspace's key.
type KeyStatus struct {
	Version int
	Created api.Time
	Secrets int    // that are sealed with it
	Master  string // the name of the master key above it
	// Seals says that it is the newest, Resealing that older ones still have secrets.
	Seals, Resealing bool
}

// KeyStatus lists the keys of a workspace, the newest first.
func (c *Core) KeyStatus(ctx context.Context, who Caller) (list []KeyStatus, err error) {
	err = c.read(ctx, who, func(tx *store.Tx) error {
		keys, err := tx.WorkspaceKeys()
		if err != nil {
			return err
		}
		master := ""
		accounts, err := owners(tx)
		for i := 0; i < len(accounts) && err == nil && master == ""; i++ {
			var above []store.SealedKey
			if above, err = tx.AccountKeysOf(accounts[i]); err == nil && len(above) > 0 {
				master, err = crypt.NameOf(above[0].Sealed)
			}
		}
		if err != nil {
			return err
		}
		for i, k := range keys {
			s := KeyStatus{Version: k.Version, Created: k.Created, Master: master, Seals: i == 0, Resealing: i == 0 && k.Resealed == nil}
			if s.Secrets, err = tx.CountSecrets(crypt.Prefix(strconv.Itoa(k.Version))); err != nil {
				return err
			}
			list = append(list, s)
		}
		return nil
	})
	return list, err
}

// RotateKey gives the workspace a new key for all that is sealed from now on, unless an
// earlier rotation is not finished: see Reseal. A workspace without secrets gets its first.
func (c *Core) RotateKey(ctx context.Context, who Caller) (version int, err error) {
	err = c.write(ctx, who, func(w *work) error {
		v, err := w.sealing()
		if err != nil {
			return err
		}
		version = v.keys[0].Version
		if v.keys[0].Resealed == nil {
			return nil
		}
		version++
		return w.addKey(v, version, crypt.NewKey(), nil)
	})
	return version, err
}

// Reseal seals with the workspace's newest key what has an older one. It can be stopped at
// any time, and another call goes on. Secrets that can't be opened stay as they are.
func (c *Core) Reseal(ctx context.Context, who Caller) error {
	keys, err := value(ctx, c, who, (*store.Tx).WorkspaceKeys)
	if err != nil || len(keys) == 0 {
		return err
	}
	if err := c.resealAll(ctx, who); err != nil || keys[0].Resealed != nil {
		return err
	}
	err = c.write(ctx, who, func(w *work) error { return w.SetResealed(keys[0].Version, w.now) })
	if err != nil {
		return err
	}
	return c.resealAll(ctx, who) // on PostgreSQL others may have been at it with the old key since it came by
}

func (c *Core) resealAll(ctx context.Context, who Caller) error {
	for after, more := uuid.Nil, true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := c.write(ctx, who, func(w *work) (err error) {
			after, more, err = w.resealSome(after)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// resealSome seals a batch of the secrets behind an id anew, and returns the last one's.
func (w *work) resealSome(after uuid.UUID) (last uuid.UUID, more bool, err error) {
	v, err := w.sealing()
	if err != nil {
		return after, false, err
	}
	newest := crypt.Prefix(strconv.Itoa(v.keys[0].Version))
	secrets, err := w.SecretsWithout(newest, after, resealBatch)
	for i := 0; i < len(secrets) && err == nil; i++ {
		after = secrets[i].ID
		plain, bad := v.open(after, secrets[i].Sealed)
		if bad != nil {
			w.core.Log.Error("a secret keeps its old key", "error", bad)
			continue
		}
		var sealed string
		if sealed, err = v.seal(after, plain); err == nil {
			err = w.ReplaceSecret(secrets[i], sealed)
		}
	}
	return after, len(secrets) == resealBatch, err
}

// RotateMaster seals the keys of all accounts with a new master key, and forgets the old
// one. If there are two master keys already, it finishes what brought the first of them.
// done is false if it is the caller who has to forget the old one.
func (c *Core) RotateMaster(ctx context.Context) (name string, done bool, err error) {
	if err := c.CheckKeys(ctx); err != nil {
		return "", false, err
	}
	masters, _, err := c.Keys.Make()
	if err == nil && len(masters) == 1 {
		masters, err = c.Keys.Begin()
	}
	if err != nil {
		return "", false, err
	}
	err = c.write(ctx, Caller{Workspace: DefaultWorkspace}, func(w *work) error { return w.rewrap(masters) })
	if err != nil {
		return "", false, err
	}
	done, err = c.Keys.End()
	return masters[0].Name, done, err
}

func (w *work) rewrap(masters crypt.Masters) error {
	keys, err := w.AccountKeys()
	for i := 0; i < len(keys) && err == nil; i++ {
		k := keys[i]
		var key crypt.Key
		if key, err = w.core.openAccountKey(masters, k); err != nil {
			break
		}
		if k.Sealed, err = crypt.Seal(masters[0], key[:], accountKeyPlace(k)); err == nil {
			err = w.RewrapAccountKey(k)
		}
	}
	return err
}

package core

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/store"
)

// defaultAccount is the account of all workspaces on a server without accounts. Keys that
// were made before there were others are sealed with its key until they are rotated.
var defaultAccount uuid.UUID

// owners are the accounts with whose keys those of a workspace can be sealed, its own first.
func owners(tx *store.Tx) ([]uuid.UUID, error) {
	w, err := tx.WorkspaceByID(tx.Workspace())
	if err != nil || w.AccountID == defaultAccount {
		return []uuid.UUID{defaultAccount}, err
	}
	return []uuid.UUID{w.AccountID, defaultAccount}, nil
}

// vault opens and seals the secrets of a workspace in one transaction. What it knows of
// keys it has read there, so that a rotation changes nothing in the middle.
type vault struct {
	core *Core
	tx   *store.Tx
	keys []store.SealedKey // of the workspace, the newest first
}

func (c *Core) vault(tx *store.Tx) (*vault, error) {
	keys, err := tx.WorkspaceKeys()
	return &vault{c, tx, keys}, err
}

// place is where a secret of a block document belongs.
func (v *vault) place(document uuid.UUID) crypt.Place {
	return crypt.Place{Account: defaultAccount, Workspace: v.tx.Workspace(), Table: "block_document", Row: document, Column: "data"}
}

// open decrypts the data of a block document.
func (v *vault) open(document uuid.UUID, sealed string) ([]byte, error) {
	name, err := crypt.NameOf(sealed)
	if err != nil {
		return nil, worded(document, err)
	}
	for _, k := range v.keys {
		if strconv.Itoa(k.Version) != name {
			continue
		}
		key, err := v.opened(k)
		if err != nil {
			return nil, err
		}
		plain, err := crypt.Open(key, sealed, v.place(document))
		return plain, worded(document, err)
	}
	return nil, worded(document, errors.New("key "+name+" of workspace "+v.tx.Workspace().String()+" is gone"))
}

func worded(document uuid.UUID, err error) error {
	if err == nil {
		return nil
	}
	return api.Errorf(api.CodeInternal, "open block document %s: %w", document, err)
}

// seal encrypts the data of a block document with the newest key.
func (v *vault) seal(document uuid.UUID, plain []byte) (string, error) {
	key, err := v.opened(v.keys[0])
	if err != nil {
		return "", err
	}
	return crypt.Seal(key, plain, v.place(document))
}

// opened returns a key of the workspace. What was opened before is remembered by what it
// is sealed as, which can't be another key.
func (v *vault) opened(k store.SealedKey) (crypt.Named, error) {
	key, err := v.core.unsealed(k.Sealed, func() (crypt.Key, error) {
		accounts, err := owners(v.tx)
		if err != nil {
			return crypt.Key{}, err
		}
		var problem error
		for _, account := range accounts {
			above, err := v.accountKey(account, k.Sealed)
			if err == nil {
				var key crypt.Key
				if key, err = crypt.OpenKey(above, k.Sealed, workspaceKeyPlace(account, v.tx.Workspace(), k.Version)); err == nil {
					return key, nil
				}
			}
			problem = cmp.Or(problem, err) // that of its own account tells more
		}
		return crypt.Key{}, problem
	})
	if err != nil {
		err = api.Errorf(api.CodeInternal, "open key %d of workspace %s: %w", k.Version, v.tx.Workspace(), err)
	}
	return crypt.Named{Name: strconv.Itoa(k.Version), Key: key}, err
}

// accountKey returns the key of an account that sealed can be sealed with.
func (v *vault) accountKey(account uuid.UUID, sealed string) (crypt.Named, error) {
	name, err := crypt.NameOf(sealed)
	if err != nil {
		return crypt.Named{}, err
	}
	keys, err := v.tx.AccountKeysOf(account)
	if err != nil {
		return crypt.Named{}, err
	}
	for _, k := range keys {
		if strconv.Itoa(k.Version) == name {
			return v.core.openedAccountKey(k)
		}
	}
	return crypt.Named{}, errors.New("key " + name + " of its account is gone")
}

func (c *Core) openedAccountKey(k store.SealedKey) (crypt.Named, error) {
	key, err := c.unsealed(k.Sealed, func() (crypt.Key, error) {
		masters, err := c.Keys.Masters()
		if err != nil {
			return crypt.Key{}, err
		}
		return c.openAccountKey(masters, k)
	})
	return crypt.Named{Name: strconv.Itoa(k.Version), Key: key}, err
}

// openAccountKey decrypts the key of an account.
func (c *Core) openAccountKey(masters crypt.Masters, k store.SealedKey) (crypt.Key, error) {
	name, err := crypt.NameOf(k.Sealed)
	if err != nil {
		return crypt.Key{}, err
	}
	master, ok := masters.Find(name)
	switch {
	case len(masters) == 0:
		return crypt.Key{}, api.Errorf(api.CodeUnavailable, "the secrets in this database are sealed with master key %s, and there is none: %s does not exist. Put it back from a backup, or set %s to the key.", name, c.Keys, crypt.Variable)
	case !ok:
		return crypt.Key{}, api.Errorf(api.CodeUnavailable, "the secrets in this database are sealed with master key %s, but %s holds another one (%s). Put the right one there.", name, c.Keys, masters[0].Name)
	}
	key, err := crypt.OpenKey(master, k.Sealed, accountKeyPlace(k))
	if err != nil {
		return key, api.Errorf(api.CodeUnavailable, "open key %d of account %s with the master key of %s: %w", k.Version, k.Account, c.Keys, err)
	}
	return key, nil
}

func accountKeyPlace(k store.SealedKey) crypt.Place {
	return crypt.Place{Account: k.Account, Table: "account_key", Row: k.Account, Column: "sealed:" + strconv.Itoa(k.Version)}
}

func workspaceKeyPlace(account, workspace uuid.UUID, version int) crypt.Place {
	return crypt.Place{Account: account, Workspace: workspace, Table: "workspace_key", Row: workspace, Column: "sealed:" + strconv.Itoa(version)}
}

// unsealed returns the key that is sealed as text, and opens it once.
func (c *Core) unsealed(text string, open func() (crypt.Key, error)) (crypt.Key, error) {
	if k, ok := c.unsealedKeys.Load(text); ok {
		return k.(crypt.Key), nil
	}
	k, err := open()
	if err == nil {
		c.unsealedKeys.Store(text, k)
	}
	return k, err
}

// sealing returns the vault of a workspace that has a key to seal with.
func (w *work) sealing() (*vault, error) {
	v, err := w.core.vault(w.Tx)
	if err != nil || len(v.keys) > 0 {
		return v, err
	}
	// Nothing is sealed yet, so nothing is to be sealed anew.
	if err := w.addKey(v, 1, crypt.NewKey(), &w.now); err != nil {
		return nil, err
	}
	return w.core.vault(w.Tx) // another server may have been first
}

// addKey gives the workspace a key.
func (w *work) addKey(v *vault, version int, key crypt.Key, resealed *api.Time) error {
	accounts, err := owners(w.Tx)
	if err != nil {
		return err
	}
	above, err := w.ensureAccountKey(accounts[0])
	if err != nil {
		return err
	}
	sealed, err := crypt.Seal(above, key[:], workspaceKeyPlace(accounts[0], w.Workspace(), version))
	if err != nil {
		return err
	}
	return v.tx.AddWorkspaceKey(store.SealedKey{Version: version, Created: w.now, Sealed: sealed, Resealed: resealed})
}

// RewrapKeys seals the keys of the workspace of a transaction with those of another
// account, to which it moves.
func (c *Core) RewrapKeys(tx *store.Tx, to uuid.UUID) error {
	v, err := c.vault(tx)
	if err != nil || len(v.keys) == 0 {
		return err
	}
	w := &work{Tx: tx, core: c, now: c.now()}
	above, err := w.ensureAccountKey(to)
	for i := 0; i < len(v.keys) && err == nil; i++ {
		var key crypt.Named
		if key, err = v.opened(v.keys[i]); err != nil {
			break
		}
		k := v.keys[i]
		if k.Sealed, err = crypt.Seal(above, key.Key[:], workspaceKeyPlace(to, tx.Workspace(), k.Version)); err == nil {
			err = tx.RewrapWorkspaceKey(k)
		}
	}
	return err
}

// ensureAccountKey returns the newest key of an account and makes one if there is none.
func (w *work) ensureAccountKey(account uuid.UUID) (crypt.Named, error) {
	keys, err := w.AccountKeysOf(account)
	if err != nil {
		return crypt.Named{}, err
	}
	if len(keys) == 0 {
		masters, isNew, err := w.core.Keys.Make()
		if err != nil {
			return crypt.Named{}, err
		}
		if isNew {
			w.core.Log.Warn("made a master key: keep a copy of it, without it no secret can be read again", "file", w.core.Keys)
		}
		k, key := store.SealedKey{Account: account, Version: 1, Created: w.now}, crypt.NewKey()
		if k.Sealed, err = crypt.Seal(masters[0], key[:], accountKeyPlace(k)); err != nil {
			return crypt.Named{}, err
		}
		if err := w.AddAccountKey(k); err != nil {
			return crypt.Named{}, err
		}
		if keys, err = w.AccountKeysOf(account); err != nil {
			return crypt.Named{}, err
		}
	}
	return w.core.openedAccountKey(keys[0])
}

// accountKey returns a key that is the same on every server, to derive others from: the
// default account's first, which no rotation of the master key changes.
func (c *Core) accountKey(ctx context.Context) (crypt.Key, error) {
	if k := c.derived.Load(); k != nil {
		return *k, nil
	}
	var first crypt.Named
	err := c.write(ctx, Caller{Workspace: DefaultWorkspace}, func(w *work) error {
		if _, err := w.ensureAccountKey(defaultAccount); err != nil {
			return err
		}
		keys, err := w.AccountKeysOf(defaultAccount)
		if err == nil {
			first, err = c.openedAccountKey(keys[len(keys)-1])
		}
		return err
	})
	if err == nil {
		c.derived.Store(&first.Key)
	}
	return first.Key, err
}

// SignInKey is the key that seals what people sign in with, such as the seeds of their
// authenticator apps. It is the same on every server.
func (c *Core) SignInKey(ctx context.Context) (crypt.Key, error) {
	above, err := c.accountKey(ctx)
	if err != nil {
		return crypt.Key{}, err
	}
	mac := hmac.New(sha256.New, above[:])
	mac.Write([]byte("sign-in"))
	return crypt.Key(mac.Sum(nil)), nil
}

// CheckKeys says what is wrong with the master key: it must open what it has sealed. A
// key of the first scheme moves to where keys are now.
func (c *Core) CheckKeys(ctx context.Context) error {
	var keys []store.SealedKey
	isOld := false
	err := c.read(ctx, Caller{Workspace: DefaultWorkspace}, func(tx *store.Tx) (err error) {
		if keys, err = tx.AccountKeys(); err != nil {
			return err
		}
		_, err = tx.Configuration(firstKey)
		isOld = err == nil
		if errors.Is(err, store.ErrNoRows) {
			err = nil
		}
		return err
	})
	for i := 0; i < len(keys) && err == nil; i++ {
		_, err = c.openedAccountKey(keys[i])
	}
	if err == nil && isOld {
		err = c.write(ctx, Caller{Workspace: DefaultWorkspace}, (*work).adoptFirstKey)
	}
	return err
}

// firstKey is where the workspace's key of the first scheme is, sealed with the master key.
const firstKey = "WORKSPACE_KEY"

// adoptFirstKey makes the key of the first scheme the oldest one of the workspace.
func (w *work) adoptFirstKey() error {
	raw, err := w.Configuration(firstKey)
	if err != nil {
		return err
	}
	var sealed string
	if err := json.Unmarshal(raw, &sealed); err != nil {
		return err
	}
	masters, err := w.core.Keys.Masters()
	if err != nil {
		return err
	}
	key, err := openFirstKey(masters, sealed, w.Workspace())
	if err != nil {
		return api.Errorf(api.CodeUnavailable, "the secrets in this database are sealed with a master key that %s does not hold. Put the right one there, from a backup.", w.core.Keys)
	}
	v := &vault{core: w.core, tx: w.Tx}
	if err := w.addKey(v, 0, key, nil); err != nil {
		return err
	}
	if err := w.addKey(v, 1, crypt.NewKey(), nil); err != nil {
		return err
	}
	return w.DeleteConfiguration(firstKey)
}

func openFirstKey(masters crypt.Masters, sealed string, workspace uuid.UUID) (key crypt.Key, err error) {
	err = errors.New("there is no master key")
	for _, m := range masters {
		m.Name = crypt.FirstName
		if key, err = crypt.OpenKey(m, sealed, crypt.Place{Row: workspace}); err == nil {
			break
		}
	}
	return key, err
}

package identity

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// EpochAge bounds how long a server does not notice that another one has taken something
// away, CacheAge how long it trusts what it has read at all.
const (
	EpochAge = 5 * time.Second
	CacheAge = 30 * time.Second

	cacheSize = 50_000
)

// errUnknown tells nothing about why a credential is not good.
var errUnknown = api.Errorf(api.CodeUnauthenticated, "Invalid authentication credentials")

// Resolve finds who has shown a secret; ip is where from. The error of one that is not
// good has the code CodeUnauthenticated. The token of a run is not: it says who has started
// the run, not who asks.
func (s *Service) Resolve(ctx context.Context, secret, ip string) (*Actor, error) {
	if credential.Prefix(secret) == credential.RunToken {
		return nil, errUnknown
	}
	return s.ResolveAny(ctx, secret, ip)
}

// ResolveAny is Resolve for who looks at Credential.Run too.
func (s *Service) ResolveAny(ctx context.Context, secret, ip string) (*Actor, error) {
	if !credential.WellFormed(secret) {
		return nil, errUnknown
	}
	return s.resolve(ctx, credential.Prefix(secret), secret, ip)
}

// ResolveSession finds who a browser with a cookie is.
func (s *Service) ResolveSession(ctx context.Context, cookie, ip string) (*Actor, error) {
	return s.resolve(ctx, Session, cookie, ip)
}

func (s *Service) resolve(ctx context.Context, kind, secret, ip string) (*Actor, error) {
	lookup := s.lookups[kind]
	if lookup == nil || secret == "" {
		return nil, errUnknown
	}
	now := s.Now()
	at, err := s.epoch.current(ctx, s, now.Time)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(kind + secret))
	if a := s.cache.get(key, at, now.Time); a != nil {
		return a, nil
	}
	// What many wait for must not end with the request of the one that has begun it.
	found, err, _ := s.loading.Do(string(key[:]), func() (any, error) {
		return s.load(context.WithoutCancel(ctx), lookup, secret, ip, now)
	})
	if err != nil {
		return nil, err
	}
	l := found.(*loaded)
	if l.actor == nil {
		return nil, errUnknown
	}
	s.cache.put(key, cached{l.actor, l.epoch, now.Time})
	return l.actor, nil
}

type loaded struct {
	actor *Actor
	epoch int64
}

// load reads an actor with the epoch at which it is right.
func (s *Service) load(ctx context.Context, lookup Lookup, secret, ip string, now api.Time) (*loaded, error) {
	out := &loaded{}
	err := s.Read(ctx, func(tx *store.Tx) error {
		out.actor = nil
		var err error
		if out.epoch, err = tx.Epoch(); err != nil {
			return err
		}
		c, err := lookup(tx, secret, now)
		if err != nil || c == nil {
			return err
		}
		out.actor, err = s.actor(tx, *c, now)
		return err
	})
	if err == nil && out.actor != nil && out.actor.Credential.Touch != nil {
		err = s.Write(ctx, func(tx *store.Tx) error { return out.actor.Credential.Touch(tx, ip) })
		if err != nil { // a full disk must not lock people out
			s.log.WarnContext(ctx, "cannot note the use of a credential", "error", err)
			err = nil
		}
	}
	return out, err
}

// touchEvery is how often the use of a key is written down.
const touchEvery = 5 * time.Minute

// lookUpKey finds an API key.
func (s *Service) lookUpKey(tx *store.Tx, secret string, now api.Time) (*Credential, error) {
	k, err := none(tx.APIKeyByHash(credential.Hash(secret)))
	if err != nil || k == nil || !k.Live(now) {
		return nil, err
	}
	c := &Credential{ID: k.ID, Kind: k.Prefix, Name: k.Name, ActorID: k.ActorID, Method: "key", Expires: k.Expiration}
	if k.LastUsed == nil || now.Sub(k.LastUsed.Time) >= touchEvery {
		c.Touch = func(tx *store.Tx, ip string) error { return tx.Used(k.ID, now, ip) }
	}
	return c, nil
}

// ActorOf reads what the bearer of a credential may do; nil when the actor is gone or
// belongs to no account any more.
func (s *Service) ActorOf(tx *store.Tx, c Credential) (*Actor, error) { return s.actor(tx, c, s.Now()) }

// MayAct says whether an actor has a scope in a workspace, whatever lets it in.
func (s *Service) MayAct(ctx context.Context, actor, workspace uuid.UUID, scope string) (bool, error) {
	return read(ctx, s, func(tx *store.Tx) (bool, error) {
		a, err := s.ActorOf(tx, Credential{ActorID: actor})
		if err != nil || a == nil {
			return false, err
		}
		g, ok := a.Workspace(workspace)
		return ok && g.Scopes.Has(access.Scope(scope)), nil
	})
}

func (s *Service) actor(tx *store.Tx, c Credential, now api.Time) (*Actor, error) {
	a := &Actor{ID: c.ActorID, Credential: c, workspaces: map[uuid.UUID]*WorkspaceGrant{}, until: api.Time{Time: now.Add(CacheAge)}}
	a.ends(c.Expires)
	if known, err := a.describe(tx); err != nil || !known {
		return nil, err
	}
	kind, name := "USER", a.Name()
	if a.Type == store.ActorBot {
		kind = "SERVICE_ACCOUNT"
	}
	a.creator = &api.CreatedBy{ID: &a.ID, Type: &kind, DisplayValue: &name}
	memberships, err := tx.MembershipsOf(a.ID)
	if err != nil {
		return nil, err
	}
	direct, err := tx.AccessOf(a.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range memberships {
		if m.Active {
			if err := a.enter(tx, m, direct, now); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// ends notes that a part of what the actor may do ends.
func (a *Actor) ends(at *api.Time) {
	if at != nil && at.Before(a.until.Time) {
		a.until = *at
	}
}

// describe reads the actor's name and says whether there is such an actor.
func (a *Actor) describe(tx *store.Tx) (bool, error) {
	user, err := none(tx.User(a.ID))
	if err != nil {
		return false, err
	}
	if user != nil {
		a.Type, a.Handle, a.FirstName, a.LastName, a.Email = store.ActorUser, user.Handle, user.FirstName, user.LastName, user.Email
		return true, nil
	}
	bot, err := none(tx.BotByID(a.ID))
	if err != nil || bot == nil {
		return false, err
	}
	a.Type, a.Handle, a.FirstName, a.Email = store.ActorBot, bot.Name, bot.Name, bot.ID.String()+"@service-account.invalid"
	return true, nil
}

// enter adds what the actor may do in an account and its workspaces.
func (a *Actor) enter(tx *store.Tx, m store.Membership, direct []store.Access, now api.Time) error {
	account, err := none(tx.Account(m.AccountID))
	if err != nil || account == nil || account.Deleted != nil {
		return err
	}
	role, err := accountRole(tx, m)
	if err != nil {
		return err
	}
	refused, err := a.refusal(tx, account, role)
	if err != nil {
		return err
	}
	roles, err := workspaceRoles(tx, account.ID)
	if err != nil {
		return err
	}
	workspaces, err := tx.WorkspacesOf(account.ID)
	if err != nil {
		return err
	}
	door, err := gateOf(tx, account)
	if err != nil {
		return err
	}
	objects, err := a.objectsOf(tx, account.ID)
	if err != nil {
		return err
	}
	a.Accounts = append(a.Accounts, AccountGrant{*account, m, role.Name, a.bounded(role.Permissions), refused, door})
	for _, w := range workspaces {
		scopes := a.scopesIn(w, role, roles, direct, now)
		g := &WorkspaceGrant{Workspace: w, Scopes: scopes, Refused: refused, gate: door}
		if scopes != access.AllScopes {
			g.objects = objects[w.ID]
		}
		a.workspaces[w.ID] = g
	}
	return nil
}

// bounded is what a credential that is good for less than its actor may do in accounts.
func (a *Actor) bounded(p access.Permissions) access.Permissions {
	if a.Credential.Workspace == nil && a.Credential.Scopes == nil {
		return p
	}
	return 0
}

// scopesIn adds up what an actor may do in a workspace: by its role in the account, as any
// member, by itself and by its teams; and takes away what its credential is not good for.
func (a *Actor) scopesIn(w store.Workspace, role access.AccountRole, roles map[uuid.UUID]access.Scopes, direct []store.Access, now api.Time) (scopes access.Scopes) {
	if role.RunsAll {
		scopes = access.AllScopes
	}
	if w.DefaultRoleID != nil && role.ID != access.CollaboratorID {
		scopes |= roles[*w.DefaultRoleID]
	}
	for _, g := range direct {
		if g.WorkspaceID != w.ID || g.Expires != nil && !g.Expires.After(now.Time) {
			continue
		}
		a.ends(g.Expires)
		scopes |= roles[g.RoleID]
	}
	if bound := a.Credential.Workspace; bound != nil && *bound != w.ID {
		return 0
	}
	if bound := a.Credential.Scopes; bound != nil {
		scopes &= *bound
	}
	return scopes
}

// accountRole finds the role of a member. A role that is gone allows nothing.
func accountRole(tx *store.Tx, m store.Membership) (access.AccountRole, error) {
	if r, ok := access.BuiltInAccountRole(m.RoleID); ok {
		return r, nil
	}
	own, err := tx.AccountRoles(m.AccountID)
	for _, r := range own {
		if r.ID == m.RoleID {
			return access.AccountRole{ID: r.ID, Name: r.Name, Permissions: permissionsOf(r.Permissions)}, err
		}
	}
	return access.AccountRole{ID: m.RoleID}, err
}

func permissionsOf(names []string) (set access.Permissions) {
	for _, name := range names {
		one, _ := access.PermissionsOf(access.Permission(name))
		set |= one
	}
	return set
}

// ScopesOf is the set of the scopes with these names; it leaves out names that mean none.
func ScopesOf(names []string) (set access.Scopes) {
	for _, name := range names {
		one, _ := access.ScopesOf(access.Scope(name))
		set |= one
	}
	return set
}

// workspaceRoles are the scopes of all roles that somebody can have in workspaces of an
// account.
func workspaceRoles(tx *store.Tx, account uuid.UUID) (map[uuid.UUID]access.Scopes, error) {
	sets := map[uuid.UUID]access.Scopes{}
	for _, r := range access.WorkspaceRoles() {
		sets[r.ID] = r.Scopes
	}
	own, err := tx.WorkspaceRoles(account)
	for _, r := range own {
		sets[r.ID] = ScopesOf(r.Scopes).Closed()
	}
	for range own { // a role may inherit from one that inherits
		for _, r := range own {
			if r.InheritedRoleID != nil {
				sets[r.ID] |= sets[*r.InheritedRoleID]
			}
		}
	}
	return sets, err
}

// epoch is what this server knows of the revocation epoch.
type epoch struct {
	mu     sync.Mutex
	value  int64
	readAt time.Time
}

// current is the epoch as it was at most EpochAge ago.
func (e *epoch) current(ctx context.Context, s *Service, now time.Time) (int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if age := now.Sub(e.readAt); age >= 0 && age < EpochAge {
		return e.value, nil
	}
	err := s.Read(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) {
		e.value, err = tx.Epoch()
		return err
	})
	if err == nil {
		e.readAt = now
	}
	return e.value, err
}

func (e *epoch) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.readAt = time.Time{}
}

// cache remembers actors by the hash of what they have shown.
type cache struct {
	mu      sync.RWMutex
	entries map[[32]byte]cached
}

type cached struct {
	actor *Actor
	epoch int64
	since time.Time
}

func (c *cache) get(key [32]byte, epoch int64, now time.Time) *Actor {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	if !ok || e.epoch != epoch || now.Before(e.since) || !now.Before(e.actor.until.Time) {
		return nil
	}
	return e.actor
}

func (c *cache) put(key [32]byte, e cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= cacheSize {
		c.entries = map[[32]byte]cached{}
	}
	c.entries[key] = e
}

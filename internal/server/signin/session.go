package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// Kinds of tokens.
const (
	kindSession = "session"
	kindAccess  = "access"
	kindRefresh = "refresh"
)

// FreshFor is how long after signing in a person may do what changes who gets in.
const FreshFor = 15 * time.Minute

// touchEvery is how often the last use of a session is written down.
const touchEvery = time.Minute

// Opened is a session that has just begun.
type Opened struct {
	Secret  string // for the cookie of the browser
	Half    bool   // the person has to show a second factor still
	Expires time.Time
	Next    string // where the browser wanted to go
}

// proof is that somebody has shown who they are.
type proof struct {
	actor  uuid.UUID
	method string
	at     api.Time   // zero: now
	sso    *uuid.UUID // the account whose own provider has vouched
}

// open begins a session of a person who has proven who they are.
func (t *turn) open(p proof, from From) (*Opened, error) {
	life, err := t.lifeOf(p.actor, t.s.options.SessionLife)
	if err != nil {
		return nil, err
	}
	kind := kindSession
	if p.sso == nil && !strings.HasSuffix(p.method, methodSecond) {
		has, err := t.hasSecond(p.actor)
		if err != nil {
			return nil, err
		}
		if has {
			kind, life = kindHalf, halfLife
		}
	}
	text := NewSecret()
	expires := api.At(t.now.Add(life))
	id := newID()
	err = t.AddToken(&store.Token{
		ID: id, Kind: kind, Hash: hash(text), Family: id, Actor: p.actor, SSOAccount: p.sso, Client: "browser", Method: p.method, Authenticated: t.now,
		IP: from.IP, Agent: short(from.Agent), Created: t.now, LastUsed: t.now, IdleUntil: api.At(t.now.Add(min(life, t.s.options.SessionIdle))), Expires: expires, FamilyExpires: expires,
	})
	if err != nil {
		return nil, err
	}
	if kind == kindHalf {
		return &Opened{Secret: text, Half: true, Expires: expires.Time}, t.audit("second-factor", "asked", id, &p.actor, from, "method", p.method)
	}
	if err := t.s.people.SignedIn(t.Tx, p.actor); err != nil {
		return nil, err
	}
	return &Opened{Secret: text, Expires: expires.Time}, t.audit(kindSession, "opened", id, &p.actor, from, "method", p.method)
}

// lifeOf is how long an actor may stay signed in: no longer than each of its accounts
// allows. Who is a member of none does not get in.
func (t *turn) lifeOf(actor uuid.UUID, life time.Duration) (time.Duration, error) {
	if ok, err := t.s.people.MaySignIn(t.Tx, actor); err != nil || !ok {
		if err == nil {
			err = errNotLetIn
		}
		return 0, err
	}
	accounts, err := t.AccountsOf(actor)
	for i := range accounts {
		if s := accounts[i].AuthExpirationSeconds; s != nil && *s > 0 {
			life = min(life, time.Duration(*s)*time.Second)
		}
	}
	return life, err
}

var errNotLetIn = &Problem{Code: "access_denied", Text: "This address can't sign in here. Ask who runs this server for an invitation."}

// Visitor is who is signed in.
type Visitor struct {
	*identity.Actor
	Session uuid.UUID
	Family  uuid.UUID
	now     api.Time
}

// Fresh says that the person has signed in just now.
func (v *Visitor) Fresh() bool { return v != nil && v.Actor.Fresh(v.now.Time) }

func (v *Visitor) by(from From) identity.By {
	return identity.By{Actor: v.Actor, IP: from.IP, UserAgent: short(from.Agent), RequestID: from.Request}
}

// Session finds who a browser is signed in as, nil for nobody.
func (s *Service) Session(ctx context.Context, cookie string) (*Visitor, error) {
	if len(cookie) != SecretSize {
		return nil, nil
	}
	var out *Visitor
	var touch func(*store.Tx, string) error
	err := s.read(ctx, func(t *turn) error {
		out = nil
		c, token, err := t.credential(kindSession, cookie)
		if err != nil || c == nil {
			return err
		}
		if ok, err := s.people.MaySignIn(t.Tx, c.ActorID); err != nil || !ok {
			return err
		}
		actor, err := s.people.ActorOf(t.Tx, *c)
		if err != nil || actor == nil {
			return err
		}
		out, touch = &Visitor{Actor: actor, Session: token.ID, Family: token.Family, now: t.now}, c.Touch
		return nil
	})
	if err == nil && out != nil && touch != nil {
		err = s.write(ctx, func(t *turn) error { return touch(t.Tx, "") })
	}
	return out, err
}

// lookUp finds the credential with a secret of a kind, for whoever asks who somebody is.
func (s *Service) lookUp(kind string) identity.Lookup {
	return func(tx *store.Tx, secret string, now api.Time) (*identity.Credential, error) {
		t := &turn{Tx: tx, s: s, now: now}
		c, _, err := t.credential(kind, secret)
		return c, err
	}
}

// credential finds what a secret is good for; nil when that is nothing.
func (t *turn) credential(kind, secret string) (*identity.Credential, *store.Token, error) {
	token, err := none(t.TokenByHash(hash(secret)))
	if err != nil || !t.isLive(token, kind) {
		return nil, nil, err
	}
	return t.credentialOf(token), token, nil
}

// credentialOf is what a token is good for.
func (t *turn) credentialOf(token *store.Token) *identity.Credential {
	kind := token.Kind
	c := &identity.Credential{
		ID: token.ID, Kind: identity.Session, Name: token.Client, ActorID: token.Actor, Method: token.Method, Authenticated: &token.Authenticated,
		SSOAccount: token.SSOAccount, MFA: strings.Contains(token.Method, methodSecond), Expires: &token.IdleUntil,
	}
	if kind == kindAccess {
		c.Kind = credential.AccessToken
	}
	if names := strings.Fields(token.Scope); len(names) > 0 {
		scopes := identity.ScopesOf(names)
		c.Scopes = &scopes
	}
	now, idle, service := t.now, token.IdleUntil, t.s
	if now.Sub(token.LastUsed.Time) >= touchEvery {
		if kind == kindSession {
			idle = api.At(earlier(now.Add(service.options.SessionIdle), token.Expires.Time))
		}
		c.Touch = func(tx *store.Tx, _ string) error { return tx.TouchToken(token.ID, now, idle) }
	}
	return c
}

// methodSecond is part of the method of who has shown a second factor.
const methodSecond = "+mfa"

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// isLive says that a token is of a kind and still good.
func (t *turn) isLive(token *store.Token, kind string) bool {
	return token != nil && token.Kind == kind && token.Revoked == nil && t.now.Before(token.Expires.Time) && t.now.Before(token.IdleUntil.Time)
}

// CloseSession ends the session of a browser and all that came from it.
func (s *Service) CloseSession(ctx context.Context, v *Visitor, from From) error {
	return s.write(ctx, func(t *turn) error {
		if err := t.revoke(v.Family, "logout"); err != nil {
			return err
		}
		return t.audit(kindSession, "closed", v.Session, &v.ID, from)
	})
}

// SessionInfo is one thing that a person is signed in with.
type SessionInfo struct {
	ID                         uuid.UUID
	Browser                    bool // else a command line
	IP, Agent, Method          string
	Created, LastUsed, Expires time.Time
	Family                     uuid.UUID
	// Restricted says that the policy of an account does not let it in.
	Restricted bool
}

// Sessions lists what a person is signed in with, what was used last first.
func (s *Service) Sessions(ctx context.Context, person uuid.UUID) ([]SessionInfo, error) {
	var out []SessionInfo
	err := s.read(ctx, func(t *turn) error {
		tokens, err := t.SessionsOf(person, t.now)
		out = nil
		for i := range tokens {
			k := &tokens[i]
			actor, err := s.people.ActorOf(t.Tx, *t.credentialOf(k))
			if err != nil {
				return err
			}
			restricted := actor != nil && slices.ContainsFunc(actor.Accounts, func(g identity.AccountGrant) bool { return g.Refused != "" })
			out = append(out, SessionInfo{
				ID: k.ID, Browser: k.Kind == kindSession, IP: k.IP, Agent: k.Agent, Method: k.Method, Created: k.Created.Time, LastUsed: k.LastUsed.Time,
				Expires: k.Expires.Time, Family: k.Family, Restricted: restricted,
			})
		}
		return err
	})
	return out, err
}

// EndSession ends one thing that a person is signed in with; it says whether there is such.
func (s *Service) EndSession(ctx context.Context, person, id uuid.UUID, from From) (found bool, err error) {
	err = s.write(ctx, func(t *turn) error {
		found = false
		tokens, err := t.SessionsOf(person, t.now)
		if err != nil {
			return err
		}
		for _, k := range tokens {
			if k.ID != id {
				continue
			}
			found = true
			if err := t.revoke(k.Family, "revoked"); err != nil {
				return err
			}
			return t.audit(kindSession, "revoked", id, &person, from)
		}
		return nil
	})
	return found, err
}

// EndOtherSessions ends all that a person is signed in with but what they use now.
func (s *Service) EndOtherSessions(ctx context.Context, v *Visitor, from From) error {
	return s.write(ctx, func(t *turn) error {
		t.revoked = true
		if _, err := t.RevokeTokensOf(v.ID, v.Family, t.now, "revoked"); err != nil {
			return err
		}
		return t.audit(kindSession, "others-revoked", v.Session, &v.ID, from)
	})
}

// NewKey makes an API key for a person who has signed in just now.
func (s *Service) NewKey(ctx context.Context, v *Visitor, name string, life time.Duration, from From) (key string, expires time.Time, err error) {
	if !v.Fresh() {
		return "", expires, errStale
	}
	if refused := v.Refused(); refused != "" { // a key would get around what the account wants
		return "", expires, problem("access_denied", refused)
	}
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 100 {
		return "", expires, problem("invalid_request", "Give the key a name of at most 100 characters.")
	}
	err = s.write(ctx, func(t *turn) error {
		end := api.At(t.now.Add(life))
		expires = end.Time
		_, key, err = s.people.AddKey(t.Tx, v.by(from), v.ID, credential.UserKey, name, &end)
		return err
	})
	return key, expires, err
}

// Keys lists the API keys of a person, the newest first.
func (s *Service) Keys(ctx context.Context, v *Visitor) (keys []store.APIKey, err error) {
	err = s.read(ctx, func(t *turn) error {
		keys, err = t.APIKeys(v.ID)
		return err
	})
	return keys, err
}

// RevokeKey ends an API key of a person; it says whether there is such.
func (s *Service) RevokeKey(ctx context.Context, v *Visitor, id uuid.UUID, from From) (found bool, err error) {
	err = s.write(ctx, func(t *turn) error {
		found = false
		keys, err := t.APIKeys(v.ID)
		if err != nil {
			return err
		}
		for i := range keys {
			if keys[i].ID == id {
				found, t.revoked = true, true
				return s.people.RevokeKey(t.Tx, v.by(from), &keys[i])
			}
		}
		return nil
	})
	return found, err
}

// Identities lists who a person is elsewhere.
func (s *Service) Identities(ctx context.Context, v *Visitor) (list []store.UserIdentity, err error) {
	err = s.read(ctx, func(t *turn) error {
		list, err = t.UserIdentities(v.ID)
		return err
	})
	return list, err
}

var errStale = &Problem{Code: CodeStale, Text: "Sign in again to do that: it changes who gets in."}

package signin

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// CLI is the public client that is built in: usher's command line.
const CLI = "usher-cli"

// kindAuthorization is what the audit log calls the consent to a program.
const kindAuthorization = "authorization"

// How long codes and tokens hold.
const (
	codeLife          = time.Minute
	accessLife        = time.Hour
	refreshLife       = 30 * 24 * time.Hour
	refreshFamilyLife = 90 * 24 * time.Hour
)

// Tokens are what a client gets.
type Tokens struct {
	Access  string
	Refresh string // "" when there is none
	Life    time.Duration
	Scope   string
}

// sign is on whose word tokens are given.
type sign struct {
	proof
	client, scope string
	family        uuid.UUID
	familyExpires api.Time // zero: it begins now
	from          From
}

// grant gives a person's client its tokens.
func (t *turn) grant(g sign) (*Tokens, error) {
	life, err := t.lifeOf(g.actor, refreshFamilyLife)
	if CodeOf(err) != "" {
		return nil, problem("invalid_grant", "This person can't sign in any more.")
	}
	if err != nil {
		return nil, err
	}
	if g.familyExpires.IsZero() {
		g.familyExpires = api.At(t.now.Add(life))
		if err := t.audit(kindSession, "opened", g.family, &g.actor, g.from, "method", g.method, "client", g.client); err != nil {
			return nil, err
		}
		if err := t.s.people.SignedIn(t.Tx, g.actor); err != nil {
			return nil, err
		}
	}
	out := &Tokens{Access: identity.NewSecret(credential.AccessToken), Refresh: identity.NewSecret(credential.RefreshToken), Life: accessLife, Scope: g.scope}
	if err := t.issue(g, kindAccess, out.Access, accessLife); err != nil {
		return nil, err
	}
	return out, t.issue(g, kindRefresh, out.Refresh, refreshLife)
}

// issue keeps one token.
func (t *turn) issue(g sign, kind, text string, life time.Duration) error {
	expires := api.At(earlier(t.now.Add(life), g.familyExpires.Time))
	return t.AddToken(&store.Token{
		ID: newID(), Kind: kind, Hash: hash(text), Family: g.family, Actor: g.actor, SSOAccount: g.sso, Client: g.client, Scope: g.scope, Method: g.method,
		Authenticated: g.at, IP: g.from.IP, Agent: short(g.from.Agent), Created: t.now, LastUsed: t.now, IdleUntil: expires, Expires: expires,
		FamilyExpires: g.familyExpires,
	})
}

// Authorization is what a client asks a person to agree to.
type Authorization struct {
	Client, RedirectURI, State, Challenge, Nonce, Scope string
}

// CheckAuthorization says what is wrong with a request. mayAnswer says that its redirect
// URI is good, so that the client may be told there; else only the person is told.
func CheckAuthorization(q url.Values) (a Authorization, mayAnswer bool, err error) {
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method"} {
		if len(q[name]) > 1 {
			return a, false, problem("invalid_request", "The parameter "+name+" is there twice.")
		}
	}
	a = Authorization{
		Client: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), State: q.Get("state"), Challenge: q.Get("code_challenge"),
		Nonce: q.Get("nonce"), Scope: q.Get("scope"),
	}
	switch {
	case a.Client != CLI:
		return a, false, problem("invalid_client", "This server does not know the program that sent you here.")
	case !IsLoopback(a.RedirectURI):
		return a, false, problem("invalid_request", "The program that sent you here wants the answer at an address that is not on this machine.")
	case q.Get("response_type") != "code":
		return a, true, problem("unsupported_response_type", "Only response_type=code is known.")
	case q.Get("code_challenge_method") != "S256" || !wellFormedChallenge(a.Challenge):
		return a, true, problem("invalid_request", "A code_challenge with code_challenge_method=S256 is needed.")
	case len(a.State) > 500 || len(a.Nonce) > 500:
		return a, true, problem("invalid_request", "state or nonce is too long.")
	}
	return a, true, checkScope(a.Scope)
}

// checkScope says what is wrong with the scopes that a client asks for; none are all that
// the person has.
func checkScope(scope string) error {
	for _, name := range strings.Fields(scope) {
		if _, unknown := access.ScopesOf(access.Scope(name)); unknown != "" {
			return problem("invalid_scope", "There is no scope "+short(name)+".")
		}
	}
	if len(scope) > 2000 {
		return problem("invalid_scope", "That is too much scope.")
	}
	return nil
}

// IsLoopback says that a redirect URI leads to a program on the person's machine: any port
// of a loopback address and the path /callback.
func IsLoopback(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Path != "/callback" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.Port() == "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && (ip == netip.MustParseAddr("127.0.0.1") || ip == netip.IPv6Loopback()) && strings.HasSuffix(uri, "/callback")
}

// Authorize gives the code that a client exchanges for tokens.
func (s *Service) Authorize(ctx context.Context, v *Visitor, a Authorization, from From) (code string, err error) {
	code = NewSecret()
	err = s.write(ctx, func(t *turn) error {
		err := t.AddAuthCode(&store.AuthCode{
			Hash: hash(code), Client: a.Client, Actor: v.ID, SSOAccount: v.Credential.SSOAccount, RedirectURI: a.RedirectURI, Challenge: a.Challenge, Nonce: a.Nonce, Scope: a.Scope,
			Method: v.Credential.Method, Authenticated: *v.Credential.Authenticated, Family: newID(), Created: t.now, Expires: api.At(t.now.Add(codeLife)),
		})
		if err != nil {
			return err
		}
		return t.audit(kindAuthorization, "approved", v.Session, &v.ID, from, "client", a.Client)
	})
	return code, err
}

// Deny writes down that a person has sent a client away.
func (s *Service) Deny(ctx context.Context, v *Visitor, client string, from From) error {
	return s.write(ctx, func(t *turn) error {
		return t.audit(kindAuthorization, "denied", v.Session, &v.ID, from, "client", client)
	})
}

// exchange gives tokens unless take refuses; what take has revoked stays revoked then.
func (s *Service) exchange(ctx context.Context, from From, grant string, take func(*turn) (sign, error)) (*Tokens, error) {
	var tokens *Tokens
	var refused error
	err := s.write(ctx, func(t *turn) error {
		tokens, refused = nil, nil
		g, err := take(t)
		if err == nil {
			g.from = from
			tokens, err = t.grant(g)
		}
		if CodeOf(err) == "" {
			return err
		}
		refused = err
		if quiet := CodeOf(err); quiet == errPending.Code || quiet == errSlower.Code {
			return nil
		}
		return t.audit(kindAuthorization, "refused", uuid.UUID{}, nil, from, "grant", grant, "reason", err.Error())
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// ExchangeCode gives tokens for a code. A code that comes again was stolen: what was given
// for it is taken back.
func (s *Service) ExchangeCode(ctx context.Context, code, client, redirectURI, verifier string, from From) (*Tokens, error) {
	bad := problem("invalid_grant", "The code is not good: it was used, it expired, or it is for another client.")
	return s.exchange(ctx, from, "authorization_code", func(t *turn) (g sign, err error) {
		c, err := none(t.AuthCodeByHash(hash(code)))
		switch {
		case err != nil:
			return g, err
		case c == nil:
			return g, bad
		case c.Used != nil:
			if err := t.revoke(c.Family, "code replayed"); err != nil {
				return g, err
			}
			return g, bad
		case c.Client != client || c.RedirectURI != redirectURI || len(verifier) < 43 || len(verifier) > 128 || !same(c.Challenge, challenge(verifier)):
			return g, bad
		}
		taken, err := t.UseAuthCode(c.Hash, t.now)
		if err == nil && !taken {
			err = bad
		}
		return sign{proof: proof{actor: c.Actor, method: c.Method, at: c.Authenticated, sso: c.SSOAccount}, client: c.Client, scope: c.Scope, family: c.Family}, err
	})
}

// Refresh exchanges a refresh token for new tokens. One that comes again was stolen, from
// the client or by it: the whole family ends.
func (s *Service) Refresh(ctx context.Context, token, client string, from From) (*Tokens, error) {
	bad := problem("invalid_grant", "The refresh token is not good any more. Sign in again.")
	return s.exchange(ctx, from, "refresh_token", func(t *turn) (g sign, err error) {
		k, err := none(t.TokenByHash(hash(token)))
		switch {
		case err != nil:
			return g, err
		case k == nil || k.Kind != kindRefresh || k.Client != client:
			return g, bad
		case k.Used != nil:
			err := t.revoke(k.Family, "refresh token reused")
			if err == nil {
				err = t.audit(kindSession, "revoked", k.Family, &k.Actor, from, "reason", "refresh token reused")
			}
			if err == nil {
				err = bad
			}
			return g, err
		}
		taken, err := t.UseToken(k.ID, t.now)
		if err == nil && !taken {
			err = bad
		}
		return sign{
			proof: proof{actor: k.Actor, method: k.Method, at: k.Authenticated, sso: k.SSOAccount}, client: k.Client, scope: k.Scope, family: k.Family, familyExpires: k.FamilyExpires,
		}, err
	})
}

// Revoke ends a token and what came from the same sign-in. One that is not known is no
// problem: it is good for nothing already.
func (s *Service) Revoke(ctx context.Context, token string, from From) error {
	return s.write(ctx, func(t *turn) error {
		k, err := none(t.TokenByHash(hash(token)))
		if err != nil || k == nil || k.Kind == kindSession || k.Revoked != nil {
			return err
		}
		if err := t.revoke(k.Family, "logout"); err != nil {
			return err
		}
		return t.audit(kindSession, "closed", k.Family, &k.Actor, from)
	})
}

// Introspected is what is told of a token. The zero value is of one that is good for
// nothing, or nobody's that who asks may know of.
type Introspected struct {
	Active        bool
	Actor         uuid.UUID
	Client, Scope string
	Issued        time.Time
	Expires       time.Time
}

// Introspect tells the service account that shows a key of the token of somebody in its
// account.
func (s *Service) Introspect(ctx context.Context, key, token string, from From) (out Introspected, err error) {
	asks, err := s.people.Resolve(ctx, key, from.IP)
	if api.CodeOf(err) == api.CodeUnauthenticated || err == nil && asks.Type != store.ActorBot {
		return out, problem("invalid_client", "Introspection is for service accounts: show the key of one as the password.")
	}
	if err != nil {
		return out, err
	}
	err = s.read(ctx, func(t *turn) error {
		out = Introspected{}
		k, err := none(t.TokenByHash(hash(token)))
		if err != nil || k == nil || k.Used != nil || k.Kind == kindSession || !t.isLive(k, k.Kind) {
			return err
		}
		memberships, err := t.MembershipsOf(k.Actor)
		for _, m := range memberships {
			if _, known := asks.Account(m.AccountID); known && m.Active {
				out = Introspected{Active: true, Actor: k.Actor, Client: k.Client, Scope: k.Scope, Issued: k.Created.Time, Expires: k.Expires.Time}
			}
		}
		return err
	})
	return out, err
}

package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// Provider is another place whose word counts about who somebody is.
type Provider struct {
	ID, Name     string // in addresses, and for people
	Issuer       string // of OpenID Connect; "" for GitHub, which has a protocol of its own
	ClientID     string
	ClientSecret string
	// GitHub is where GitHub is, https://github.com or a server of one's own, and GitHubAPI
	// where its API is.
	GitHub, GitHubAPI string
}

var providerID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// Check says what is wrong with a provider's settings.
func (p *Provider) Check() error {
	reserved := map[string]bool{"login": true, "sent": true, "verify": true, "client": true, "account": true, "saml": true, "sso": true, "organization": true, "second": true, "password": true}
	switch at := p.Issuer + p.GitHub; {
	case !providerID.MatchString(p.ID) || reserved[p.ID]:
		return fmt.Errorf("%q can't be the id of a provider: use lower-case letters, digits and dashes", p.ID)
	case p.ClientID == "":
		return fmt.Errorf("the provider %s has no client_id", p.ID)
	case !safeAddress(at):
		return fmt.Errorf("the provider %s is at %q: it must begin with https:// unless it is on this machine", p.ID, at)
	}
	return nil
}

// safeAddress says that nobody on the way can change what is said there.
func safeAddress(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || host == "127.0.0.1" || host == "::1")
}

const (
	flowLife    = 10 * time.Minute
	foreignSkew = time.Minute // between the clocks of a provider and ours
)

// federation is the providers of a server.
type federation struct {
	providers []Provider
	client    *http.Client
	mu        sync.Mutex
	known     map[string]*oidc.Provider // by issuer, once it was found
}

// oidc finds a provider of OpenID Connect, and remembers it.
func (f *federation) oidc(issuer string) (*oidc.Provider, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.known[issuer]; p != nil {
		return p, nil
	}
	// What it remembers outlives the request: the context is that of its keys too.
	p, err := oidc.NewProvider(oidc.ClientContext(context.Background(), f.client), issuer)
	if err == nil {
		f.known[issuer] = p
	}
	return p, err
}

// Providers are the other places to sign in at.
func (s *Service) Providers() []Provider { return s.federation.providers }

func (s *Service) provider(id string) (*Provider, error) {
	for i := range s.federation.providers {
		if s.federation.providers[i].ID == id {
			return &s.federation.providers[i], nil
		}
	}
	return nil, problem(CodeGone, "This server does not sign people in there.")
}

// oauth is how to talk to a provider.
func (s *Service) oauth(p *Provider) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: s.options.PublicURL + "/auth/" + p.ID + "/callback"}
	if p.Issuer == "" {
		c.Endpoint = oauth2.Endpoint{AuthURL: p.GitHub + "/login/oauth/authorize", TokenURL: p.GitHub + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams}
		c.Scopes = []string{"read:user", "user:email"}
		return c, nil
	}
	found, err := s.federation.oidc(p.Issuer)
	if err != nil {
		return nil, err
	}
	c.Endpoint, c.Scopes = found.Endpoint(), []string{oidc.ScopeOpenID, "email", "profile"}
	return c, nil
}

// derived is what must come back of a flow, made of what only this browser and the one
// answer have: nothing of it is kept.
func derived(what, state, browser string) string {
	return challenge(what + " " + state + " " + browser)
}

var errProvider = &Problem{Code: "access_denied", Text: "The other side could not say who you are. Try again, or sign in by mail."}

// BeginAt begins a sign-in at a provider and returns where the browser goes.
func (s *Service) BeginAt(ctx context.Context, id, browser, next string) (to string, err error) {
	return s.beginAt(ctx, id, browser, next, nil)
}

// LinkAt begins to link a person who has signed in just now with who they are at a provider.
func (s *Service) LinkAt(ctx context.Context, v *Visitor, id, browser string) (to string, err error) {
	if !v.Fresh() {
		return "", errStale
	}
	return s.beginAt(ctx, id, browser, "/auth/account", &v.ID)
}

// Unlink makes who a person is at a provider nobody here. A link by mail always lets in.
func (s *Service) Unlink(ctx context.Context, v *Visitor, identity uuid.UUID, from From) error {
	if !v.Fresh() {
		return errStale
	}
	return s.write(ctx, func(t *turn) error {
		if err := t.DeleteUserIdentity(v.ID, identity); err != nil {
			if errors.Is(err, store.ErrNoRows) {
				err = errGone
			}
			return err
		}
		return t.audit("user-identity", "unlinked", identity, &v.ID, from)
	})
}

func (s *Service) beginAt(ctx context.Context, id, browser, next string, link *uuid.UUID) (to string, err error) {
	p, err := s.provider(id)
	if err != nil {
		return "", err
	}
	c, err := s.oauth(p)
	if err != nil {
		s.log.ErrorContext(ctx, "a provider does not answer", "provider", id, "error", err)
		return "", errProvider
	}
	state := NewSecret()
	err = s.write(ctx, func(t *turn) error {
		return t.AddAuthFlow(&store.AuthFlow{Hash: hash(state), Provider: id, BrowserHash: hash(browser), Next: next, LinkUser: link, Created: t.now, Expires: api.At(t.now.Add(flowLife))})
	})
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(derived("verifier", state, browser))}
	if p.Issuer != "" {
		options = append(options, oidc.Nonce(derived("nonce", state, browser)))
	}
	return c.AuthCodeURL(state, options...), err
}

// Returned is what a browser brings back from a provider.
type Returned struct {
	Provider, State, Code, Issuer, Error string
	Browser                              string // the secret in its cookie
	Session                              string // that in the cookie of its session
	From                                 From
}

// Arrived is what becomes of who came back.
type Arrived struct {
	*Opened        // nil: a mail must prove first that the address is theirs
	Email   string // where that mail went
	Linked  bool   // a person who is signed in was linked with it
}

// ReturnFrom signs in who comes back from a provider. An identity that is not known yet is
// linked only after a mail has proven that its address belongs to the same person.
func (s *Service) ReturnFrom(ctx context.Context, r Returned) (*Arrived, error) {
	p, err := s.provider(r.Provider)
	if err != nil {
		return nil, err
	}
	flow, err := s.takeFlow(ctx, p, r)
	if err != nil {
		return nil, err
	}
	who, err := s.ask(ctx, p, r)
	if err != nil {
		return nil, s.turnAway(ctx, p, r, err)
	}
	out := &Arrived{}
	if flow.LinkUser != nil {
		out.Linked = true
		return out, s.linkHere(ctx, p, *flow.LinkUser, who, r)
	}
	var refused error
	err = s.write(ctx, func(t *turn) error {
		out.Opened, refused = nil, nil
		known, err := none(t.UserIdentity(who.issuer, who.subject))
		if err != nil || known == nil {
			return err
		}
		if err := t.TouchUserIdentity(known.ID, t.now); err != nil {
			return err
		}
		out.Opened, err = t.open(proof{actor: known.User, method: p.ID}, r.From)
		if CodeOf(err) != "" {
			refused = err
			return t.audit(kindSession, "refused", known.ID, &known.User, r.From, "method", p.ID)
		}
		if err == nil {
			out.Next = flow.Next
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil || out.Opened != nil {
		return out, err
	}
	if !who.verified {
		return nil, s.turnAway(ctx, p, r, errors.New("the address is not verified"))
	}
	out.Email = who.email
	_, err = s.RequestLink(ctx, LinkRequest{Email: who.email, Browser: r.Browser, Next: flow.Next, From: r.From, identity: who, provider: p.ID})
	return out, err
}

// linkHere links a person who is signed in, and has begun so, with who they are at a provider.
// Both are proven: no mail is needed.
func (s *Service) linkHere(ctx context.Context, p *Provider, user uuid.UUID, who *somebody, r Returned) error {
	v, err := s.Session(ctx, r.Session)
	if err != nil {
		return err
	}
	if v == nil || v.ID != user {
		return &Problem{Code: CodeStale, Text: "Sign in again to link that: your session is over."}
	}
	return s.write(ctx, func(t *turn) error {
		return t.linkIdentity(&store.MagicLink{Email: who.email, Provider: &p.ID, Issuer: &who.issuer, Subject: &who.subject}, user, r.From)
	})
}

// takeFlow takes what was begun, once, in the browser that has begun it.
func (s *Service) takeFlow(ctx context.Context, p *Provider, r Returned) (*store.AuthFlow, error) {
	var flow *store.AuthFlow
	var refused error
	err := s.write(ctx, func(t *turn) (err error) {
		refused = nil
		if flow, err = none(t.AuthFlow(hash(r.State))); err != nil {
			return err
		}
		var taken bool
		if flow != nil && flow.Provider == p.ID && r.Browser != "" && same(flow.BrowserHash, hash(r.Browser)) {
			if taken, err = t.UseAuthFlow(flow.Hash, t.now); err != nil {
				return err
			}
		}
		if !taken {
			refused = problem("access_denied", "This sign-in was not begun in this browser, or it is over. Begin again.")
			return t.audit(kindSession, "refused", newID(), nil, r.From, "method", p.ID, "reason", "state")
		}
		return nil
	})
	if err == nil {
		err = refused
	}
	return flow, err
}

// turnAway writes down why somebody's provider did not count. The person is told nothing
// that an attacker could use.
func (s *Service) turnAway(ctx context.Context, p *Provider, r Returned, why error) error {
	s.log.WarnContext(ctx, "a sign-in at a provider was refused", "provider", p.ID, "error", why)
	err := s.write(ctx, func(t *turn) error {
		return t.audit(kindSession, "refused", newID(), nil, r.From, "method", p.ID, "reason", short(why.Error()))
	})
	if err != nil {
		return err
	}
	return errProvider
}

// somebody is who a provider says that somebody is.
type somebody struct {
	issuer, subject, email string
	verified               bool
}

// ask exchanges a code for who somebody is.
func (s *Service) ask(ctx context.Context, p *Provider, r Returned) (*somebody, error) {
	switch {
	case r.Error != "":
		return nil, errors.New("the provider says " + short(r.Error))
	case r.Issuer != "" && r.Issuer != p.Issuer: // RFC 9207: another provider's answer
		return nil, errors.New("the answer is of the issuer " + short(r.Issuer))
	}
	c, err := s.oauth(p)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, s.federation.client)
	token, err := c.Exchange(ctx, r.Code, oauth2.VerifierOption(derived("verifier", r.State, r.Browser)))
	if err != nil {
		return nil, err
	}
	if p.Issuer == "" {
		return s.askGitHub(ctx, p, token)
	}
	return s.readIDToken(ctx, p, token, derived("nonce", r.State, r.Browser))
}

// flag is a claim that is true, or "true" as some write it.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	*f = string(b) == "true" || string(b) == `"true"`
	return nil
}

// readIDToken believes an ID token if it is signed by the provider, for us, for this very
// sign-in and of now.
func (s *Service) readIDToken(ctx context.Context, p *Provider, token *oauth2.Token, nonce string) (*somebody, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the provider gave no ID token")
	}
	found, err := s.federation.oidc(p.Issuer)
	if err != nil {
		return nil, err
	}
	verified, err := found.Verifier(&oidc.Config{
		ClientID: p.ClientID, SupportedSigningAlgs: signatures, Now: func() time.Time { return s.clock().Add(-foreignSkew) },
	}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	var claims struct {
		AuthorizedParty string `json:"azp"`
		Email           string `json:"email"`
		EmailVerified   flag   `json:"email_verified"`
		EmailOfDomain   flag   `json:"xms_edov"` // Microsoft's word for it
	}
	if err := verified.Claims(&claims); err != nil {
		return nil, err
	}
	switch {
	case !same(verified.Nonce, nonce):
		return nil, errors.New("the ID token is for another sign-in")
	case len(verified.Audience) > 1 && claims.AuthorizedParty == "", claims.AuthorizedParty != "" && claims.AuthorizedParty != p.ClientID:
		return nil, errors.New("the ID token is for another client")
	case verified.IssuedAt.After(s.clock().Add(foreignSkew)):
		return nil, errors.New("the ID token is of the future")
	case verified.Subject == "":
		return nil, errors.New("the ID token names nobody")
	}
	if claims.Email == "" { // some tell it only there
		info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return nil, err
		}
		if info.Subject != verified.Subject {
			return nil, errors.New("the user info is of somebody else")
		}
		claims.Email, claims.EmailVerified = info.Email, flag(info.EmailVerified)
	}
	return &somebody{verified.Issuer, verified.Subject, claims.Email, bool(claims.EmailVerified || claims.EmailOfDomain) && claims.Email != ""}, nil
}

// signatures are the algorithms whose signatures count.
var signatures = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

// askGitHub asks GitHub, which has no ID tokens, for the id and the primary address, which
// counts only if GitHub has verified it.
func (s *Service) askGitHub(ctx context.Context, p *Provider, token *oauth2.Token) (*somebody, error) {
	var user struct {
		ID int64 `json:"id"`
	}
	var emails []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	for path, into := range map[string]any{"/user": &user, "/user/emails": &emails} {
		if err := s.getGitHub(ctx, p.GitHubAPI+path, token, into); err != nil {
			return nil, err
		}
	}
	if user.ID == 0 {
		return nil, errors.New("GitHub names nobody")
	}
	who := &somebody{issuer: p.GitHub, subject: strconv.FormatInt(user.ID, 10)}
	for _, e := range emails {
		if e.Primary && e.Verified {
			who.email, who.verified = e.Email, true
		}
	}
	return who, nil
}

func (s *Service) getGitHub(ctx context.Context, at string, token *oauth2.Token, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/vnd.github+json")
	token.SetAuthHeader(r)
	res, err := s.federation.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", r.URL.Path, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(into)
}

// Known are the providers that everybody knows. A tenant of Microsoft is named by its id:
// the addresses of whole organizations that any of its administrators can make up don't count.
func Known(id, tenant string) Provider {
	switch id {
	case "google":
		return Provider{ID: id, Name: "Google", Issuer: "https://accounts.google.com"}
	case "microsoft":
		return Provider{ID: id, Name: "Microsoft", Issuer: "https://login.microsoftonline.com/" + url.PathEscape(tenant) + "/v2.0"}
	case "github":
		return Provider{ID: id, Name: "GitHub", GitHub: "https://github.com", GitHubAPI: "https://api.github.com"}
	}
	return Provider{ID: id, Name: strings.ToUpper(id[:1]) + id[1:]}
}

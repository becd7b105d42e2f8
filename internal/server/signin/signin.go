// Package signin is how people and programs come to be known: links by mail, sessions of
// browsers, the authorization server for command lines, other providers' word, and the
// tokens of build systems. It decides and keeps; package pages speaks HTTP.
//
// A secret is at least 256 random bits (what people type is short and counted), only its
// SHA-256 is kept, and what may be used once is taken by a conditional update.
package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
)

// Options say how people sign in.
type Options struct {
	// PublicURL is where people and programs reach the server, without a slash at the end.
	// Links in mails and the issuer of tokens are made of it, never of what a request says.
	PublicURL string
	LinkLife  time.Duration // of a link by mail; 10 minutes when 0
	// SessionIdle and SessionLife bound a session of a browser; 12 hours and 7 days when 0.
	SessionIdle, SessionLife time.Duration
	// NoCompatLogin switches off the page that hands keys to other command lines.
	NoCompatLogin bool
	Providers     []Provider
	Trust         []TrustRule
	// Key is the key that seals what must not be readable in the database; it is the same on
	// every server.
	Key func(context.Context) (crypt.Key, error)
	// SAMLIdPInitiated lets the provider of an account begin a sign-in, which a person then
	// confirms.
	SAMLIdPInitiated bool
	// Passwords lets people have a password, which they show with a second factor; Breached
	// are those that they may not have.
	Passwords bool
	Breached  *Breached
	DNS       Resolver     // that proves domains; nil for the system's
	Client    *http.Client // to ask providers with; nil for one of 10 seconds
}

// Service signs people in. It is safe for concurrent use.
type Service struct {
	options Options
	store   *store.Store
	people  *identity.Service
	mailer  Mailer
	clock   func() time.Time
	log     *slog.Logger
	mails   chan struct{} // says that one waits
	sending sync.WaitGroup
	hashes  chan struct{} // of passwords, that are made now

	federation federation
}

// From is where a request comes from.
type From struct{ IP, Agent, Request string }

// New makes the service and lets people know its tokens and sessions. Run must be running
// for mails to go out.
func New(o Options, db *store.Store, people *identity.Service, mailer Mailer, clock func() time.Time, log *slog.Logger) *Service {
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	set(&o.LinkLife, 10*time.Minute)
	set(&o.SessionIdle, 12*time.Hour)
	set(&o.SessionLife, 7*24*time.Hour)
	if o.DNS == nil {
		o.DNS = net.DefaultResolver
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	s := &Service{
		options: o, store: db, people: people, mailer: mailer, clock: clock, log: log, mails: make(chan struct{}, 1), hashes: make(chan struct{}, hashesMost),
		federation: federation{providers: o.Providers, client: o.Client, known: map[string]*oidc.Provider{}},
	}
	people.PublicURL = o.PublicURL
	people.Register(credential.AccessToken, s.lookUp(kindAccess))
	people.Register(identity.Session, s.lookUp(kindSession))
	return s
}

// Options are how people sign in here.
func (s *Service) Options() Options { return s.options }

// People are who may use the server.
func (s *Service) People() *identity.Service { return s.people }

// Secure says that people reach the server through TLS.
func (s *Service) Secure() bool { return strings.HasPrefix(s.options.PublicURL, "https://") }

// Host is the host of the public URL, with its port.
func (s *Service) Host() string {
	u, err := url.Parse(s.options.PublicURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// keepAfterEnd is how long what has ended is kept for those who ask why.
const keepAfterEnd = 24 * time.Hour

// Run sends mails, proves domains, reminds of reviews and clears away what has ended, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for range 2 {
		s.sending.Go(func() { s.send(ctx) })
	}
	defer s.sending.Wait()
	s.sending.Go(func() { s.every(ctx, proveEvery, "prove domains", s.ProveDomains) })
	s.sending.Go(func() { s.every(ctx, reviewLook, "remind of reviews", s.RemindOfReviews) })
	s.every(ctx, time.Hour, "clear away old sign-ins", s.Purge)
	return nil
}

// every does something now and then again and again until ctx ends.
func (s *Service) every(ctx context.Context, pause time.Duration, what string, do func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("cannot "+what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Purge deletes what ended a day ago.
func (s *Service) Purge(ctx context.Context) error {
	return s.write(ctx, func(t *turn) error { return t.PurgeSignin(api.At(t.now.Add(-keepAfterEnd))) })
}

// turn is a writing transaction at one time.
type turn struct {
	*store.Tx
	s       *Service
	now     api.Time
	revoked bool // something was taken away from somebody
}

// write runs fn in a transaction; what fn leaves outside it must set each time it runs.
func (s *Service) write(ctx context.Context, fn func(*turn) error) error {
	var done *turn
	err := s.store.WriteAcross(ctx, store.DefaultWorkspace, func(tx *store.Tx) error {
		done = &turn{Tx: tx, s: s, now: api.At(s.clock())}
		if err := fn(done); err != nil || !done.revoked {
			return err
		}
		return tx.BumpEpoch()
	})
	if done != nil && done.revoked {
		s.people.Forget()
	}
	return err
}

func (s *Service) read(ctx context.Context, fn func(*turn) error) error {
	return s.store.ReadAcross(ctx, store.DefaultWorkspace, func(tx *store.Tx) error {
		return fn(&turn{Tx: tx, s: s, now: api.At(s.clock())})
	})
}

// Problem is why somebody is not let in, in the words of RFC 6749 and RFC 8628 where those
// have one, and in a sentence for people. It tells nothing that an attacker lacks.
type Problem struct {
	Code  string
	Text  string
	After time.Duration // of too_many_requests: when to try again
}

// Error is the sentence.
func (p *Problem) Error() string { return p.Text }

// The codes that are not in an RFC.
const (
	CodeGone    = "gone"              // a link or code that is over
	CodeTooMany = "too_many_requests" // a limit
	CodeStale   = "login_required"    // nobody is signed in, or too long ago
)

func problem(code, text string) error { return &Problem{Code: code, Text: text} }

// CodeOf is the code of a problem, "" for other errors.
func CodeOf(err error) string {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// audit writes down what happened: for each account that the actor is a member of, or for
// none when nobody is known.
func (t *turn) audit(kind, action string, id uuid.UUID, actor *uuid.UUID, from From, detail ...string) error {
	e := identity.Entry{Type: kind, Action: action, ID: id, Actor: actor, Details: map[string]any{}}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Details[detail[i]] = detail[i+1]
	}
	by := identity.By{IP: from.IP, UserAgent: short(from.Agent), RequestID: from.Request}
	var accounts []uuid.UUID
	if actor != nil {
		memberships, err := t.MembershipsOf(*actor)
		if err != nil {
			return err
		}
		for _, m := range memberships {
			accounts = append(accounts, m.AccountID)
		}
	}
	if len(accounts) == 0 {
		return t.s.people.Audit(t.Tx, by, e)
	}
	for _, e.Account = range accounts {
		if err := t.s.people.Audit(t.Tx, by, e); err != nil {
			return err
		}
	}
	return nil
}

// revoke ends all that came from one sign-in.
func (t *turn) revoke(family uuid.UUID, reason string) error {
	t.revoked = true
	_, err := t.RevokeFamily(family, t.now, reason)
	return err
}

// limit is how often something may be tried in a span of time.
type limit struct {
	most int
	span time.Duration
}

// within counts one more try in a bucket, unless that is too many.
func (t *turn) within(bucket string, l limit) (bool, error) {
	ok, err := t.room(bucket, l)
	if ok {
		err = t.Throttle(bucket, newID(), t.now)
	}
	return ok, err
}

// room says whether one more try is allowed, without counting one.
func (t *turn) room(bucket string, l limit) (bool, error) {
	n, _, err := t.Throttled(bucket, api.At(t.now.Add(-l.span)))
	return err == nil && n < l.most, err
}

func tooMany(l limit) error {
	return &Problem{Code: CodeTooMany, Text: "That was tried too often from here. Wait a while and try again.", After: l.span}
}

// SecretSize is how long a secret of NewSecret is.
const SecretSize = 43

// NewSecret is 256 random bits.
func NewSecret() string {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // it never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// hash is what is kept of a secret.
func hash(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// challenge is what a verifier must come to: S256 of RFC 7636.
func challenge(verifier string) string {
	h := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// CSRF is what a form brings that a page has made for this browser and its session.
func CSRF(browser, session string) string { return challenge("csrf " + browser + " " + session) }

// SameCSRF says that a form brings the right one.
func SameCSRF(given, browser, session string) bool { return same(given, CSRF(browser, session)) }

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// none turns a row that is not there into nil.
func none[T any](v *T, err error) (*T, error) {
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

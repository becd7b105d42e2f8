// Package identity knows who may use the server: accounts and their members, service
// accounts, workspaces and who has access to them, keys, and the log of what was changed.
// It turns a credential into an Actor, which says what its bearer may do.
//
// What must happen in the transaction of somebody else takes a *store.Tx.
package identity

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// Service answers who somebody is and changes who may do what. It is safe for concurrent
// use once everything is registered.
type Service struct {
	// PublicURL is where people reach the server, without a slash at the end; it is set
	// before the first request.
	PublicURL string

	store   *store.Store
	clock   func() time.Time
	log     *slog.Logger
	lookups map[string]Lookup
	epoch   epoch
	cache   cache
	loading singleflight.Group
	invited func(Invited)
	meter   usage
	seen    sightings
}

// New makes the service of a database. It knows the keys of users and of service accounts
// and the tokens of runs; Register adds other kinds of credentials.
func New(db *store.Store, clock func() time.Time, log *slog.Logger) *Service {
	s := &Service{store: db, clock: clock, log: log, lookups: map[string]Lookup{}}
	s.Register(credential.UserKey, s.lookUpKey)
	s.Register(credential.BotKey, s.lookUpKey)
	s.Register(credential.RunToken, s.lookUpRunToken)
	return s
}

// Register says how credentials of a kind are looked up: by the first four characters of a
// secret, or as Session.
func (s *Service) Register(kind string, l Lookup) { s.lookups[kind] = l }

// Session is the kind of the secrets in cookies of browsers.
const Session = "session"

// Now is the server's time.
func (s *Service) Now() api.Time { return api.At(s.clock()) }

// By is who does something, and from where. The audit log keeps it.
type By struct {
	Actor         *Actor // nil: nobody who is known, or the server itself
	IP, UserAgent string
	RequestID     string
}

// Read runs fn on a snapshot.
func (s *Service) Read(ctx context.Context, fn func(*store.Tx) error) error {
	return refused(s.store.ReadAcross(ctx, store.DefaultWorkspace, fn))
}

// Write runs fn in a transaction that leaves everybody's rights as they are, or only adds
// to them.
func (s *Service) Write(ctx context.Context, fn func(*store.Tx) error) error {
	return refused(s.store.WriteAcross(ctx, store.DefaultWorkspace, fn))
}

// Change runs fn in a transaction after which every server asks anew what actors may do:
// this one at once, others within the time that EpochAge allows.
func (s *Service) Change(ctx context.Context, fn func(*store.Tx) error) error {
	return s.ChangeIn(ctx, store.DefaultWorkspace, fn)
}

// ChangeIn is Change for what is kept in a workspace.
func (s *Service) ChangeIn(ctx context.Context, workspace uuid.UUID, fn func(*store.Tx) error) error {
	defer s.epoch.forget()
	return refused(s.store.WriteAcross(ctx, workspace, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.BumpEpoch()
	}))
}

// Forget makes this server ask anew what actors may do, for who has called
// store.Tx.BumpEpoch in a transaction of its own.
func (s *Service) Forget() { s.epoch.forget() }

// newID makes an id that sorts by time.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// refused words the constraint violations that nothing has worded better.
func refused(err error) error {
	if worded := (*api.Error)(nil); errors.As(err, &worded) {
		return err
	}
	if errors.Is(err, store.ErrConflict) {
		return api.Errorf(api.CodeConflict, "Something with this name exists already.")
	}
	return err
}

// missing words a row that is not there.
func missing(what string, err error) error {
	if errors.Is(err, store.ErrNoRows) {
		return api.Errorf(api.CodeNotFound, "%s not found", what)
	}
	return err
}

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

package server

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

// ExportPerson collects all that the server's database has about the user with an address. A
// server may run on it meanwhile.
func ExportPerson(ctx context.Context, o Options, email string) (*api.PersonExport, error) {
	return onPerson(ctx, o, email, func(s *identity.Service, id uuid.UUID) (*api.PersonExport, error) {
		return s.ExportPerson(ctx, identity.By{}, id)
	})
}

// ErasePerson erases the user with an address.
func ErasePerson(ctx context.Context, o Options, email string) (*api.PersonErased, error) {
	return onPerson(ctx, o, email, func(s *identity.Service, id uuid.UUID) (*api.PersonErased, error) {
		return s.ErasePerson(ctx, identity.By{}, id)
	})
}

// RestoredAccount is an account that was brought back.
type RestoredAccount struct {
	ID      uuid.UUID `json:"id"`
	Handle  string    `json:"handle"`
	Deleted *api.Time `json:"deleted"`
}

// RestoreAccount brings back the account with a handle, which somebody deleted at most
// identity.Grace ago. Servers that run on the database hear of it within seconds.
func RestoreAccount(ctx context.Context, o Options, handle string) (out *RestoredAccount, err error) {
	err = onAccounts(ctx, o, func(s *identity.Service) error {
		a, err := s.RestoreAccount(ctx, identity.By{}, handle)
		if err == nil {
			out = &RestoredAccount{a.ID, a.Handle, a.Deleted}
		}
		return err
	})
	return out, err
}

func onPerson[T any](ctx context.Context, o Options, email string, do func(*identity.Service, uuid.UUID) (*T, error)) (out *T, err error) {
	err = onAccounts(ctx, o, func(s *identity.Service) error {
		id, err := s.FindUser(ctx, email)
		if err == nil {
			out, err = do(s, id)
		}
		return err
	})
	return out, err
}

func onAccounts(ctx context.Context, o Options, do func(*identity.Service) error) error {
	c, err := openCore(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(identity.New(c.Store, o.Clock, o.Log)), c.Store.Close())
}

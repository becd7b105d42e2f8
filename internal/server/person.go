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

func onPerson[T any](ctx context.Context, o Options, email string, do func(*identity.Service, uuid.UUID) (*T, error)) (out *T, err error) {
	c, err := openCore(ctx, o)
	if err != nil {
		return nil, err
	}
	s := identity.New(c.Store, o.Clock, o.Log)
	id, err := s.FindUser(ctx, email)
	if err == nil {
		out, err = do(s, id)
	}
	return out, errors.Join(err, c.Store.Close())
}

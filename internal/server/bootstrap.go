package server

import (
	"context"
	"errors"

	"github.com/usherhq/usher/internal/server/identity"
)

// Bootstrap makes the first account of a server, on its database, which is made when
// there is none. A server may run on it meanwhile.
func Bootstrap(ctx context.Context, o Options, email, account, workspace string) (*identity.Bootstrapped, error) {
	c, err := openCore(ctx, o)
	if err != nil {
		return nil, err
	}
	out, err := identity.New(c.Store, o.Clock, o.Log).Bootstrap(ctx, email, account, workspace)
	return out, errors.Join(err, c.Store.Close())
}

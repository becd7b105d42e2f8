package client

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// ReadLimitHolders asks who holds slots of a concurrency limit. A server that is not
// usher's answers not_found.
func (c *Client) ReadLimitHolders(ctx context.Context, idOrName jsontext.Value) ([]api.LimitHolder, error) {
	var out []api.LimitHolder
	err := c.call(ctx, api.OpReadLimitHolders, []any{idOrName}, nil, nil, &out)
	return out, err
}

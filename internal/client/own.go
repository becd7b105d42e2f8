package client

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// ReadLimitHolders asks who holds slots of a concurrency limit. A server that is not
// usher's answers not_found.
func (c *Client) ReadLimitHolders(ctx context.Context, idOrName jsontext.Value) ([]api.LimitHolder, error) {
	var out []api.LimitHolder
	err := c.call(ctx, api.OpReadLimitHolders, []any{idOrName}, nil, nil, &out)
	return out, err
}

// CreateRunToken asks for what lets the program of a flow run in, and nothing else. A server
// that is not usher's, or has no accounts, answers not_found.
func (c *Client) CreateRunToken(ctx context.Context, run uuid.UUID, in *api.RunTokenCreate) (api.RunToken, error) {
	var out api.RunToken
	err := c.call(ctx, api.OpCreateRunToken, []any{run}, nil, in, &out)
	return out, err
}

// DeleteRunTokens ends the tokens of a flow run.
func (c *Client) DeleteRunTokens(ctx context.Context, run uuid.UUID) (api.RunTokensDeleted, error) {
	var out api.RunTokensDeleted
	err := c.call(ctx, api.OpDeleteRunTokens, []any{run}, nil, nil, &out)
	return out, err
}

// ReadRunTokens lists the tokens of a flow run that are good.
func (c *Client) ReadRunTokens(ctx context.Context, run uuid.UUID) ([]api.RunTokenInfo, error) {
	var out []api.RunTokenInfo
	err := c.call(ctx, api.OpReadRunTokens, []any{run}, nil, nil, &out)
	return out, err
}

// ReadRunAccess says what the programs of a deployment's runs may use.
func (c *Client) ReadRunAccess(ctx context.Context, deployment uuid.UUID) (api.RunAccess, error) {
	var out api.RunAccess
	err := c.call(ctx, api.OpReadRunAccess, []any{deployment}, nil, nil, &out)
	return out, err
}

// UpdateRunAccess decides what the programs of a deployment's runs may use.
func (c *Client) UpdateRunAccess(ctx context.Context, deployment uuid.UUID, in *api.RunAccess) (api.RunAccess, error) {
	var out api.RunAccess
	err := c.call(ctx, api.OpUpdateRunAccess, []any{deployment}, nil, in, &out)
	return out, err
}

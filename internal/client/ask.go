package client

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// Ask sends a request that has no typed method and reads the answer. It quotes nothing of an
// answer that it can't read, which may be a secret. A change that waits for a second person is
// an error with api.CodeConflict.
func Ask[T any](ctx context.Context, c *Client, method, path string, body any) (answer T, err error) {
	var payload []byte
	if body != nil {
		if payload, err = json.Marshal(body, json.Deterministic(true)); err != nil {
			return answer, err
		}
	}
	got, err := c.Do(ctx, method, path, payload)
	if err != nil || len(got.Body) == 0 {
		return answer, err
	}
	if got.Status == http.StatusAccepted {
		var held api.AccountChange
		if json.Unmarshal(got.Body, &held) == nil && held.Status == "PENDING" {
			return answer, api.Errorf(api.CodeConflict, "nothing is changed yet: %s", held.Detail)
		}
	}
	if json.Unmarshal(got.Body, &answer) != nil {
		return answer, api.Errorf(api.CodeInternal, "%s answers %s %s with something else than expected", c.base, method, path)
	}
	return answer, nil
}

// Tell is Ask for an answer that nobody reads.
func (c *Client) Tell(ctx context.Context, method, path string, body any) error {
	_, err := Ask[any](ctx, c, method, path, body)
	return err
}

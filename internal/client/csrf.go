package client

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// csrfToken is the token that a server with CSRF protection wants on every write. It is fetched
// when a server asks for it: most have no protection, and asking first would double the requests
// of a command.
type csrfToken struct{ value string }

// addCSRF puts the token on a writing request, if there is one.
func (c *Client) addCSRF(req *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.csrf.value != "" {
		req.Header.Set("Prefect-Csrf-Token", c.csrf.value)
		req.Header.Set("Prefect-Csrf-Client", c.id)
	}
}

// wantsCSRF reports whether a write was refused, before anything was done, for want of a token
// or for one that has expired.
func wantsCSRF(answer *Answer) bool {
	return answer.Status == http.StatusForbidden &&
		(bytes.Contains(answer.Body, []byte("CSRF token")) || bytes.Contains(answer.Body, []byte("client identifier")))
}

// renewCSRF fetches a token and reports whether there is one.
func (c *Client) renewCSRF(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == "" {
		c.id = uuid.NewString()
	}
	c.csrf = c.fetchCSRF(ctx)
	return c.csrf.value != ""
}

func (c *Client) fetchCSRF(ctx context.Context) csrfToken {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/csrf-token?client="+url.QueryEscape(c.id), nil)
	if err != nil {
		return csrfToken{}
	}
	req.Header = c.headers.Clone()
	res, err := c.http.Do(req)
	if err != nil {
		return csrfToken{}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return csrfToken{}
	}
	var token api.CsrfToken
	if err := json.UnmarshalRead(res.Body, &token); err != nil {
		return csrfToken{}
	}
	return csrfToken{value: token.Token}
}

package oauth

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/client"
)

// Mail is what was asked for by MagicLink.
type Mail struct {
	Words    string // on the screen, in the mail and on the page: they must be the same
	Lifetime time.Duration
}

// MagicLink has a link mailed to an address. The link only approves what waits here: the
// credential comes to who knows the verifier. c is the client of the API's root.
func (s *Server) MagicLink(ctx context.Context, c *client.Client, address string, show func(Mail)) (auth.Credential, error) {
	verifier := random()
	var sent struct {
		RequestID string `json:"request_id"`
		Words     string `json:"pairing_words"`
		ExpiresIn int    `json:"expires_in"`
		Interval  int    `json:"interval"`
	}
	if err := post(ctx, c, "/auth/magic-link", map[string]string{"email": address, "device_challenge": challenge(verifier)}, &sent); err != nil {
		return auth.Credential{}, err
	}
	if sent.RequestID == "" {
		return auth.Credential{}, api.Errorf(api.CodeUnsupported, "%s sends no links by mail", c.BaseURL())
	}
	lifetime, interval := 10*time.Minute, 5*time.Second
	if sent.ExpiresIn > 0 {
		lifetime = time.Duration(sent.ExpiresIn) * time.Second
	}
	if sent.Interval > 0 {
		interval = time.Duration(sent.Interval) * time.Second
	}
	show(Mail{sent.Words, lifetime})
	return s.poll(ctx, lifetime, interval, func(ctx context.Context) (auth.Credential, error) {
		var g grant
		if err := post(ctx, c, "/auth/magic-link/poll", map[string]string{"request_id": sent.RequestID, "device_verifier": verifier}, &g); err != nil {
			return auth.Credential{}, err
		}
		if g.Access == "" {
			return auth.Credential{}, &Refused{Reason: "authorization_pending"}
		}
		return s.credential(g)
	})
}

// post sends JSON to a route of the API that is about logging in.
func post(ctx context.Context, c *client.Client, path string, body map[string]string, out any) error {
	text, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return err
	}
	answer, err := c.Send(client.Once(ctx), client.Request{Method: http.MethodPost, Path: path, Body: text})
	if err != nil {
		return refusal(answer, err)
	}
	if len(answer.Body) > 0 && json.Unmarshal(answer.Body, out) != nil { // the error would quote what may be secret
		return api.Errorf(api.CodeInternal, "%s answers with something else than was asked for", path)
	}
	return nil
}

// passing reports whether an error is of the kind that goes away.
func passing(err error) bool {
	code := api.CodeOf(err)
	return code == api.CodeUnavailable || code == api.CodeRateLimited
}

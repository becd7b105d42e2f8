package core

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Guards are what a caller must bring. The zero value lets everybody in.
type Guards struct {
	AuthString string        // user:password, the same for everybody
	CSRFLife   time.Duration // how long a token for writes holds; 0 wants none
}

// Guarded says that callers must say who they are.
func (g Guards) Guarded() bool { return g.AuthString != "" }

// Admits says whether credentials, as user:password, let their bearer in.
func (g Guards) Admits(credentials string) bool {
	given, wanted := sha256.Sum256([]byte(credentials)), sha256.Sum256([]byte(g.AuthString))
	return !g.Guarded() || subtle.ConstantTimeCompare(given[:], wanted[:]) == 1
}

// NewCSRFToken makes the token that a client must bring with its writes.
func (c *Core) NewCSRFToken(ctx context.Context, client string) (*api.CsrfToken, error) {
	if c.Guards.CSRFLife == 0 {
		return nil, api.Errorf(api.CodeInvalid, "CSRF protection is disabled.")
	}
	now := c.now()
	token, err := c.csrfToken(ctx, client, c.csrfPeriod(now.Time))
	if err != nil {
		return nil, err
	}
	return &api.CsrfToken{ID: newID(), Created: &now, Updated: &now, Token: token, Client: client, Expiration: api.Time{Time: now.Add(c.Guards.CSRFLife)}}, nil
}

// CheckCSRF refuses a write whose client has no token, or not its own. Tokens are kept
// nowhere: they are derived from the client, the key of the account and the time, so that every
// server on a database knows those of the others.
func (c *Core) CheckCSRF(ctx context.Context, token, client string) error {
	switch {
	case c.Guards.CSRFLife == 0:
		return nil
	case token == "":
		return api.Errorf(api.CodeForbidden, "Missing CSRF token.")
	case client == "":
		return api.Errorf(api.CodeForbidden, "Missing client identifier.")
	}
	period := c.csrfPeriod(c.now().Time)
	for _, p := range []int64{period, period - 1} {
		want, err := c.csrfToken(ctx, client, p)
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(token)) == 1 {
			return nil
		}
	}
	return api.Errorf(api.CodeForbidden, "Invalid CSRF token or client identifier.")
}

// csrfPeriod numbers the spans of time that tokens are made for. A token holds to the end
// of the next one, which is no shorter than its life.
func (c *Core) csrfPeriod(at time.Time) int64 { return at.UnixNano() / int64(c.Guards.CSRFLife) }

func (c *Core) csrfToken(ctx context.Context, client string, period int64) (string, error) {
	key, err := c.accountKey(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("csrf\x00" + strconv.FormatInt(period, 10) + "\x00" + client))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

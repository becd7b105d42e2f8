package oauth

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/usherhq/usher/internal/auth"
)

// Code is what a person types, or follows, on another machine.
type Code struct {
	User     string // XXXX-XXXX
	Page     string // where to type it
	Complete string // the same with the code in it, "" if the server has none
	Lifetime time.Duration
}

// Device logs in where there is no browser: a person opens the page elsewhere and types the
// code that show prints.
func (s *Server) Device(ctx context.Context, show func(Code)) (auth.Credential, error) {
	var answer struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		Page       string `json:"verification_uri"`
		Complete   string `json:"verification_uri_complete"`
		ExpiresIn  int    `json:"expires_in"`
		Interval   int    `json:"interval"`
	}
	if err := s.post(ctx, s.meta.Device, url.Values{"client_id": {ClientID}}, &answer); err != nil {
		return auth.Credential{}, err
	}
	lifetime := time.Duration(max(answer.ExpiresIn, 60)) * time.Second
	show(Code{answer.UserCode, answer.Page, answer.Complete, lifetime})
	interval := 5 * time.Second // what RFC 8628 has for a server that does not say
	if answer.Interval > 0 {
		interval = time.Duration(answer.Interval) * time.Second
	}
	form := url.Values{"grant_type": {GrantDevice}, "device_code": {answer.DeviceCode}}
	return s.poll(ctx, lifetime, interval, func(ctx context.Context) (auth.Credential, error) { return s.token(ctx, form) })
}

// poll asks until there is an answer, as fast as the server wants it.
func (s *Server) poll(ctx context.Context, lifetime, interval time.Duration, ask func(context.Context) (auth.Credential, error)) (auth.Credential, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lifetime, &Refused{Reason: "expired_token"})
	defer cancel()
	for {
		if pause(ctx, interval) != nil {
			return auth.Credential{}, context.Cause(ctx)
		}
		credential, err := ask(ctx)
		var refused *Refused
		switch {
		case errors.As(err, &refused) && refused.Reason == "authorization_pending":
		case errors.As(err, &refused) && refused.Reason == "slow_down":
			interval += 5 * time.Second
		case err != nil && passing(err) && ctx.Err() == nil:
			interval = min(2*interval, time.Minute) // the network, not the server's will
		default:
			return credential, err
		}
	}
}

// Package oauth gets credentials from servers: from an authorization server by way of the
// browser, of a code typed elsewhere, of a link in a mail, or in exchange for the identity
// that a CI job has; and from Prefect Cloud as its own command line does.
package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/client"
)

// ClientID is what the command line is known as. It has no secret: whoever has the program
// would have it too.
const ClientID = "usher-cli"

// Grants that an authorization server may offer.
const (
	grantCode     = "authorization_code"
	grantRefresh  = "refresh_token"
	GrantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	GrantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// Server is an authorization server.
type Server struct {
	client *client.Client // of its origin
	meta   metadata
	// Now is the clock.
	Now func() time.Time
}

// metadata is what RFC 8414 has a server tell of itself.
type metadata struct {
	Issuer    string   `json:"issuer"`
	Authorize string   `json:"authorization_endpoint"`
	Token     string   `json:"token_endpoint"`
	Device    string   `json:"device_authorization_endpoint"`
	Revoke    string   `json:"revocation_endpoint"`
	Grants    []string `json:"grant_types_supported"`
}

// Discover asks an origin whether it is an authorization server. One that is none is no error.
func Discover(ctx context.Context, c *client.Client) (*Server, bool, error) {
	answer, err := c.Do(ctx, "GET", "/.well-known/oauth-authorization-server", nil)
	switch api.CodeOf(err) {
	case api.CodeNotFound, api.CodeUnsupported, api.CodeUnauthenticated, api.CodeForbidden:
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	s := &Server{client: c, Now: time.Now}
	if json.Unmarshal(answer.Body, &s.meta) != nil || s.meta.Token == "" {
		return nil, false, nil // a page of a web interface
	}
	for _, endpoint := range []string{s.meta.Token, s.meta.Authorize, s.meta.Device, s.meta.Revoke} {
		if endpoint != "" && auth.Origin(endpoint) != auth.Origin(s.meta.Issuer) {
			return nil, false, api.Errorf(api.CodeForbidden, "%s names %s as the place to log in, which is another server", c.BaseURL(), endpoint)
		}
	}
	if s.meta.Issuer != "" && auth.Origin(s.meta.Issuer) != auth.Origin(c.BaseURL()) {
		return nil, false, api.Errorf(api.CodeForbidden, "%s says that its address is %s\nlog in there, or have its USHER_SERVER_PUBLIC_URL corrected", c.BaseURL(), s.meta.Issuer)
	}
	return s, true, nil
}

// Issuer is the name of the server, which identities are made out to.
func (s *Server) Issuer() string { return s.meta.Issuer }

// Offers reports whether the server has a grant.
func (s *Server) Offers(grant string) bool { return slices.Contains(s.meta.Grants, grant) }

// grant is the answer of the token endpoint.
type grant struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int    `json:"expires_in"`
}

// token asks the token endpoint.
func (s *Server) token(ctx context.Context, form url.Values) (auth.Credential, error) {
	form.Set("client_id", ClientID)
	var g grant
	if err := s.post(ctx, s.meta.Token, form, &g); err != nil {
		return auth.Credential{}, err
	}
	return s.credential(g)
}

func (s *Server) credential(g grant) (auth.Credential, error) {
	if g.Access == "" {
		return auth.Credential{}, api.Errorf(api.CodeInternal, "%s gave no token", s.client.BaseURL())
	}
	c := auth.Credential{Access: auth.NewSecret(g.Access), Refresh: auth.NewSecret(g.Refresh)}
	if g.ExpiresIn > 0 {
		c.Expires = s.Now().Add(time.Duration(g.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
	}
	return c, nil
}

// Refused is the answer no of RFC 6749 and its relatives.
type Refused struct {
	Reason string // authorization_pending, access_denied, invalid_grant, …
	Words  string
}

// Error words the refusal.
func (r *Refused) Error() string {
	switch {
	case r.Words != "":
		return r.Words
	case r.Reason == "access_denied":
		return "the request was denied"
	case r.Reason == "expired_token":
		return "nobody approved it in time"
	}
	return "the server answers " + r.Reason
}

// Unwrap makes the refusal one of the credentials.
func (r *Refused) Unwrap() error {
	return &api.Error{Code: api.CodeUnauthenticated, Message: r.Error()}
}

// post sends a form to an endpoint, which is at the server's origin, and reads the answer.
func (s *Server) post(ctx context.Context, endpoint string, form url.Values, out any) error {
	u, err := url.Parse(endpoint)
	if err != nil || endpoint == "" {
		return api.Errorf(api.CodeUnsupported, "%s does not offer this way to log in", s.client.BaseURL())
	}
	answer, err := s.client.Send(client.Once(ctx), client.Request{
		Method: "POST", Path: u.RequestURI(), Body: []byte(form.Encode()), Header: map[string][]string{"Content-Type": {client.FormType}},
	})
	if err != nil {
		return refusal(answer, err)
	}
	if out == nil {
		return nil
	}
	if json.Unmarshal(answer.Body, out) != nil { // the error would quote what may be secret
		return api.Errorf(api.CodeInternal, "%s answers with something else than was asked for", endpoint)
	}
	return nil
}

// refusal makes an error of the answer's own words, if it has any.
func refusal(answer *client.Answer, err error) error {
	if answer == nil || answer.Status >= 500 {
		return err
	}
	var body struct {
		Error string `json:"error"`
		Words string `json:"error_description"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || body.Error == "" {
		return err
	}
	return &Refused{Reason: body.Error, Words: body.Words}
}

// Refresh renews a credential.
func (s *Server) Refresh(ctx context.Context, refresh auth.Secret) (auth.Credential, error) {
	return s.token(ctx, url.Values{"grant_type": {grantRefresh}, "refresh_token": {refresh.Reveal()}})
}

// Exchange gets a token for the identity that something else vouches for in a JWT.
func (s *Server) Exchange(ctx context.Context, identity auth.Secret) (auth.Credential, error) {
	return s.token(ctx, url.Values{
		"grant_type": {GrantExchange}, "subject_token": {identity.Reveal()}, "subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
		"audience": {s.meta.Issuer},
	})
}

// Revoke ends a token and all that were renewed from it.
func (s *Server) Revoke(ctx context.Context, token auth.Secret) error {
	return s.post(ctx, s.meta.Revoke, url.Values{"token": {token.Reveal()}, "client_id": {ClientID}}, nil)
}

// random is a text that nobody guesses.
func random() string {
	var bytes [32]byte
	rand.Read(bytes[:]) //nolint:errcheck // never fails
	return base64.RawURLEncoding.EncodeToString(bytes[:])
}

// challenge is what a verifier is announced by (S256).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// pause waits between two questions.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func withQuery(address string, query url.Values) string {
	if strings.Contains(address, "?") {
		return address + "&" + query.Encode()
	}
	return address + "?" + query.Encode()
}

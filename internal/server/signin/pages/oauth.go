package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/usherhq/usher/internal/server/signin"
)

// oauthError is the body of RFC 6749 section 5.2, with the detail that our API has.
type oauthError struct {
	Code   string `json:"error"`
	Text   string `json:"error_description"`
	Detail string `json:"detail"`
}

// refuse answers a program.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	text := h.worded(w, r, err)
	code, status := signin.CodeOf(err), statusOf(err)
	if code == "" {
		code = "server_error"
	}
	if code == "access_denied" && strings.HasSuffix(r.URL.Path, "/token") || strings.HasSuffix(r.URL.Path, "/poll") && status == http.StatusForbidden {
		status = http.StatusBadRequest // so RFC 8628 says
	}
	answerJSON(w, status, oauthError{code, text, text})
}

type tokenAnswer struct {
	Access  string `json:"access_token"`
	Issued  string `json:"issued_token_type,omitzero"`
	Type    string `json:"token_type"`
	Life    int    `json:"expires_in"`
	Refresh string `json:"refresh_token,omitzero"`
	Scope   string `json:"scope"`
}

func (h *Handler) giveTokens(w http.ResponseWriter, r *http.Request, t *signin.Tokens, err error) {
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Pragma", "no-cache")
	answerJSON(w, http.StatusOK, tokenAnswer{Access: t.Access, Type: "Bearer", Life: int(t.Life.Seconds()), Refresh: t.Refresh, Scope: t.Scope})
}

// authorize asks a person whether a program on their machine may act for them.
func (h *Handler) authorize(w http.ResponseWriter, r *http.Request) {
	a, mayAnswer, err := signin.CheckAuthorization(r.URL.Query())
	if err != nil {
		h.answerOrFail(w, r, a, mayAnswer, err)
		return
	}
	v, err := h.visitor(r)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case v == nil && r.URL.Query().Get("prompt") == "none":
		h.answerOrFail(w, r, a, true, &signin.Problem{Code: "login_required", Text: "Nobody is signed in."})
	case v == nil:
		signInFirst(w, r)
	default:
		u, err := url.Parse(a.RedirectURI)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		h.show(w, r, http.StatusOK, "consent", &page{
			Title: "Let a program in", Visitor: v, Program: "usher’s command line", Port: u.Port(), Holds: "up to 90 days, if it is used", Action: "/oauth/authorize",
			answer: sourceOf(u), Fields: []field{
				{"response_type", "code"}, {"client_id", a.Client}, {"redirect_uri", a.RedirectURI}, {"state", a.State}, {"code_challenge", a.Challenge},
				{"code_challenge_method", "S256"}, {"nonce", a.Nonce}, {"scope", a.Scope},
			},
		})
	}
}

// sourceOf is a place in the words of a content security policy, which has none for
// addresses of IPv6.
func sourceOf(u *url.URL) string {
	if strings.Contains(u.Hostname(), ":") {
		return " http:"
	}
	return " http://" + u.Host
}

// consent does what the person has decided.
func (h *Handler) consent(w http.ResponseWriter, r *http.Request) {
	a, mayAnswer, err := signin.CheckAuthorization(r.PostForm)
	if err != nil {
		h.answerOrFail(w, r, a, mayAnswer, err)
		return
	}
	v, err := h.visitor(r)
	if err == nil && v == nil {
		err = &signin.Problem{Code: signin.CodeStale, Text: "You are not signed in any more. Begin again in the terminal."}
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if r.PostForm.Get("action") != "approve" {
		if err := h.service.Deny(r.Context(), v, a.Client, h.from(r)); err != nil {
			h.fail(w, r, err)
			return
		}
		h.answerOrFail(w, r, a, true, &signin.Problem{Code: "access_denied", Text: "The person has denied it."})
		return
	}
	code, err := h.service.Authorize(r.Context(), v, a, h.from(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answerProgram(w, a, url.Values{"code": {code}})
}

// answerOrFail tells the program of a problem if it may be told, else the person.
func (h *Handler) answerOrFail(w http.ResponseWriter, r *http.Request, a signin.Authorization, mayAnswer bool, err error) {
	var p *signin.Problem
	if !mayAnswer || !errors.As(err, &p) {
		h.fail(w, r, err)
		return
	}
	h.answerProgram(w, a, url.Values{"error": {p.Code}, "error_description": {p.Text}})
}

func (h *Handler) answerProgram(w http.ResponseWriter, a signin.Authorization, q url.Values) {
	q.Set("iss", h.service.Options().PublicURL)
	if a.State != "" {
		q.Set("state", a.State)
	}
	goTo(w, a.RedirectURI+"?"+q.Encode())
}

// The grants that are known.
const (
	grantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// token gives tokens.
func (h *Handler) token(w http.ResponseWriter, r *http.Request) {
	f, err := h.clientForm(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	var tokens *signin.Tokens
	from, client := h.from(r), f.Get("client_id")
	switch f.Get("grant_type") {
	case "authorization_code":
		tokens, err = h.service.ExchangeCode(r.Context(), f.Get("code"), client, f.Get("redirect_uri"), f.Get("code_verifier"), from)
	case "refresh_token":
		tokens, err = h.service.Refresh(r.Context(), f.Get("refresh_token"), client, from)
	case grantDevice:
		tokens, err = h.service.PollDevice(r.Context(), f.Get("device_code"), client, from)
	case grantExchange:
		h.exchange(w, r, f)
		return
	default:
		err = &signin.Problem{Code: "unsupported_grant_type", Text: "This server does not know the grant_type."}
	}
	h.giveTokens(w, r, tokens, err)
}

// exchange gives a token for one of another issuer: RFC 8693.
func (h *Handler) exchange(w http.ResponseWriter, r *http.Request, f url.Values) {
	const kind, jwt, id = "urn:ietf:params:oauth:token-type:", "jwt", "id_token"
	if given := f.Get("subject_token_type"); given != kind+jwt && given != kind+id {
		h.refuse(w, r, &signin.Problem{Code: "invalid_request", Text: "subject_token_type must be " + kind + jwt + "."})
		return
	}
	t, err := h.service.ExchangeToken(r.Context(), f.Get("subject_token"), h.from(r))
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, tokenAnswer{Access: t.Access, Issued: kind + "access_token", Type: "Bearer", Life: int(t.Life.Seconds())})
}

// clientForm reads the form of a program; each parameter may be there once.
func (h *Handler) clientForm(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, &signin.Problem{Code: "invalid_request", Text: "The body is not a form (application/x-www-form-urlencoded)."}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, &signin.Problem{Code: "invalid_request", Text: "The parameter " + name + " is there twice."}
		}
	}
	return r.PostForm, nil
}

func (h *Handler) startDevice(w http.ResponseWriter, r *http.Request) {
	f, err := h.clientForm(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	d, err := h.service.StartDevice(r.Context(), f.Get("client_id"), f.Get("scope"), f.Get("device_label"), h.from(r))
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	at := h.service.Options().PublicURL + "/device"
	answerJSON(w, http.StatusOK, struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		URI        string `json:"verification_uri"`
		Complete   string `json:"verification_uri_complete"`
		Life       int    `json:"expires_in"`
		Interval   int    `json:"interval"`
	}{d.DeviceCode, d.UserCode, at, at + "?user_code=" + d.UserCode, int(d.Life.Seconds()), d.Interval})
}

// revoke ends a token; RFC 7009 wants 200 for one that is not known too.
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request) {
	f, err := h.clientForm(r)
	if err == nil && f.Get("token") == "" {
		err = &signin.Problem{Code: "invalid_request", Text: "The parameter token is missing."}
	}
	if err == nil {
		err = h.service.Revoke(r.Context(), f.Get("token"), h.from(r))
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// discovery says what this server can: RFC 8414.
func (h *Handler) discovery(w http.ResponseWriter, _ *http.Request) {
	at := h.service.Options().PublicURL
	w.Header().Set("Cache-Control", "public, max-age=300")
	answerJSON(w, http.StatusOK, map[string]any{
		"issuer": at, "authorization_endpoint": at + "/oauth/authorize", "token_endpoint": at + "/oauth/token",
		"device_authorization_endpoint": at + "/oauth/device_authorization", "revocation_endpoint": at + "/oauth/revoke",
		"introspection_endpoint": at + "/oauth/introspect", "jwks_uri": at + "/.well-known/jwks.json",
		"response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token", grantDevice, grantExchange},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"none"},
		"revocation_endpoint_auth_methods_supported":     []string{"none"},
		"introspection_endpoint_auth_methods_supported":  []string{"client_secret_basic"},
		"authorization_response_iss_parameter_supported": true,
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"ES256"},
		"scopes_supported":                               []string{},
	})
}

// jwks has no keys: tokens of this server are opaque, and it says who somebody is to
// nobody but itself.
func jwks(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]any{"keys": []any{}})
}

// introspect tells a service account, which shows its key as the password of any user, of
// a token of somebody in its account.
func (h *Handler) introspect(w http.ResponseWriter, r *http.Request) {
	f, err := h.clientForm(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	_, key, _ := r.BasicAuth()
	told, err := h.service.Introspect(r.Context(), key, f.Get("token"), h.from(r))
	if err != nil {
		if signin.CodeOf(err) == "invalid_client" {
			w.Header().Set("WWW-Authenticate", `Basic realm="usher"`)
		}
		h.refuse(w, r, err)
		return
	}
	if !told.Active {
		answerJSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"active": true, "client_id": told.Client, "scope": told.Scope, "sub": told.Actor, "iss": h.service.Options().PublicURL,
		"iat": told.Issued.Unix(), "exp": told.Expires.Unix(), "token_type": "Bearer",
	})
}

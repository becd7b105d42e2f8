// Package pages is the HTTP side of signing in: the pages that people see, the endpoints
// of the authorization server, and the few of the API that need no credentials.
package pages

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/server/signin"
)

// Handler serves the paths of signing in.
type Handler struct {
	service *signin.Service
	proxies []netip.Prefix
	log     *slog.Logger
	mux     *http.ServeMux
	// Floor is how long asking for a link takes at least, so that nobody learns from the
	// time whether an address is known.
	Floor time.Duration
}

// New makes the handler. The word of proxies counts about where a request comes from.
func New(s *signin.Service, proxies []netip.Prefix, log *slog.Logger) *Handler {
	h := &Handler{service: s, proxies: proxies, log: log, mux: http.NewServeMux(), Floor: 300 * time.Millisecond}
	for pattern, serve := range map[string]http.HandlerFunc{
		"GET /auth/login":                              h.login,
		"POST /auth/login":                             h.form(h.sendLink),
		"GET /auth/sent":                               h.sent,
		"GET /auth/verify":                             h.verify,
		"POST /auth/verify":                            h.form(h.redeem),
		"GET /auth/client":                             h.client,
		"POST /auth/client":                            h.form(h.handKey),
		"GET /auth/client.js":                          script,
		"GET /auth/{provider}/start":                   h.beginAt,
		"GET /auth/sso":                                h.sso,
		"POST /auth/sso":                               h.form(h.findProvider),
		"GET /auth/saml/{account}/metadata":            h.samlMetadata,
		"GET /auth/saml/{account}/start":               h.samlStart,
		"POST /auth/saml/{account}/acs":                h.samlAnswer,
		"GET /auth/saml/finish":                        h.samlFinish,
		"POST /auth/saml/finish":                       h.form(h.samlConfirm),
		"GET /auth/organization/{account}/settings":    h.organization,
		"POST /auth/organization/{account}/settings":   h.form(h.changeOrganization),
		"GET /auth/{provider}/callback":                h.returnFrom,
		"GET /auth/second":                             h.second,
		"POST /auth/second":                            h.form(h.takeSecond),
		"GET /auth/second.js":                          secondScript,
		"GET /auth/factors":                            h.factors,
		"POST /auth/factors":                           h.form(h.changeFactors),
		"GET /auth/account":                            h.account,
		"POST /auth/account":                           h.form(h.changeAccount),
		"GET /device":                                  h.device,
		"POST /device":                                 h.form(h.decideDevice),
		"GET /oauth/authorize":                         h.authorize,
		"POST /oauth/authorize":                        h.form(h.consent),
		"POST /oauth/token":                            h.token,
		"POST /oauth/device_authorization":             h.startDevice,
		"POST /oauth/revoke":                           h.revoke,
		"POST /oauth/introspect":                       h.introspect,
		"GET /.well-known/oauth-authorization-server":  h.discovery,
		"GET /.well-known/openid-configuration":        h.discovery,
		"GET /.well-known/jwks.json":                   jwks,
		"POST /api/auth/magic-link":                    h.apiSendLink,
		"POST /api/auth/magic-link/poll":               h.apiPoll,
		"GET /api/me/sessions":                         h.mySessions,
		"POST /api/me/sessions/filter":                 h.mySessions,
		"POST /api/me/sessions/{session_id}/terminate": h.endMySession,
		"POST /api/auth/logout":                        h.apiLogout,
	} {
		h.mux.HandleFunc(pattern, serve)
	}
	if s.Options().Passwords {
		h.mux.HandleFunc("GET /auth/password", h.password)
		h.mux.HandleFunc("POST /auth/password", h.form(h.takePassword))
		h.mux.HandleFunc("GET /auth/password/change", h.ownPassword)
		h.mux.HandleFunc("POST /auth/password/change", h.form(h.changePassword))
	}
	return h
}

// Serves says whether a request is one of signing in.
func (h *Handler) Serves(r *http.Request) bool {
	for _, prefix := range []string{"/auth/", "/oauth/", "/device", "/.well-known/", "/api/auth/", "/api/me/sessions"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			_, pattern := h.mux.Handler(r)
			return pattern != "" || prefix != "/.well-known/"
		}
	}
	return false
}

// bodySize is more than any form here has.
const bodySize = 64 << 10

// ServeHTTP answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-store")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if h.service.Secure() {
		head.Set("Strict-Transport-Security", "max-age=31536000")
	}
	size := int64(bodySize)
	if strings.HasPrefix(r.URL.Path, "/auth/saml/") || strings.HasPrefix(r.URL.Path, "/auth/organization/") {
		size = responseSize
	}
	r.Body = http.MaxBytesReader(w, r.Body, size)
	if h.elsewhere(w, r) {
		return
	}
	h.mux.ServeHTTP(w, withoutSlash(r))
}

// elsewhere sends a browser that came by another name to the public one, where its cookies
// are. Nothing that a request says of its host gets into an answer.
func (h *Handler) elsewhere(w http.ResponseWriter, r *http.Request) bool {
	page := strings.HasPrefix(r.URL.Path, "/auth/") || r.URL.Path == "/device" || r.URL.Path == "/oauth/authorize"
	if !page || strings.EqualFold(r.Host, h.service.Host()) {
		return false
	}
	if r.Method != http.MethodGet {
		h.fail(w, r, &signin.Problem{Code: "misdirected", Text: "This page belongs to " + h.service.Options().PublicURL + ". Open it there."})
		return true
	}
	w.Header().Set("Location", h.service.Options().PublicURL+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}

// from is where a request comes from: the peer, or who the trusted proxies say it is.
func (h *Handler) from(r *http.Request) signin.From {
	return signin.From{IP: clientIP(r, h.proxies), Agent: r.UserAgent(), Request: r.Header.Get("X-Request-Id")}
}

func clientIP(r *http.Request, proxies []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(at); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at.String()
}

// cookie names: __Host- ones can be set by nobody but this very host through TLS. Without
// TLS, which is for this machine only, servers on other ports share the jar.
func (h *Handler) cookieName(name string) string {
	if h.service.Secure() {
		return "__Host-" + name
	}
	_, port, _ := strings.Cut(h.service.Host(), ":")
	return "usher-" + name + "-" + port
}

const (
	sessionCookie = "session"
	browserCookie = "ml" // which browser has asked for a link, and that a form is ours
)

func (h *Handler) cookie(r *http.Request, name string) string {
	if c, err := r.Cookie(h.cookieName(name)); err == nil {
		return c.Value
	}
	return ""
}

// SessionSecret is what the cookie of a browser's session holds, "" when it has none.
func (h *Handler) SessionSecret(r *http.Request) string { return h.cookie(r, sessionCookie) }

// SignedIn says whether a browser has a session that lets it in.
func (h *Handler) SignedIn(r *http.Request) bool {
	secret := h.SessionSecret(r)
	if secret == "" {
		return false
	}
	_, err := h.service.People().ResolveSession(r.Context(), secret, h.from(r).IP)
	return err == nil
}

func (h *Handler) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: h.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: h.service.Secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(life.Seconds()),
	})
}

func (h *Handler) dropCookie(w http.ResponseWriter, name string) {
	h.setCookie(w, name, "", -time.Second)
}

// browser is the secret by which this browser is known again, a new one if it has none.
func (h *Handler) browser(w http.ResponseWriter, r *http.Request) string {
	if value := h.cookie(r, browserCookie); len(value) == signin.SecretSize {
		return value
	}
	value := signin.NewSecret()
	h.setCookie(w, browserCookie, value, 24*time.Hour)
	r.AddCookie(&http.Cookie{Name: h.cookieName(browserCookie), Value: value})
	return value
}

// csrf is what a form brings that a page of ours has made for this browser and session.
func (h *Handler) csrf(w http.ResponseWriter, r *http.Request) string {
	return signin.CSRF(h.browser(w, r), h.cookie(r, sessionCookie))
}

// sameOrigin says that a page of ours has made the request.
func (h *Handler) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return r.Header.Get("Origin") == h.service.Options().PublicURL
}

// form lets only forms of our own pages through.
func (h *Handler) form(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		given := r.PostForm.Get("csrf")
		browser := h.cookie(r, browserCookie)
		if err != nil || !h.sameOrigin(r) || len(browser) != signin.SecretSize || !signin.SameCSRF(given, browser, h.cookie(r, sessionCookie)) {
			h.fail(w, r, &signin.Problem{Code: "forged", Text: "This form is too old, or it was not sent by a page of this server. Go back, reload the page and try again; cookies must be allowed."})
			return
		}
		next(w, r)
	}
}

// visitor is who is signed in; nil for nobody.
func (h *Handler) visitor(r *http.Request) (*signin.Visitor, error) {
	return h.service.Session(r.Context(), h.cookie(r, sessionCookie))
}

// next is a path of this server to go on to; anything else is none.
func next(text string) string {
	u, err := url.Parse(text)
	bad := err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(text, "//") ||
		strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\")
	if bad || len(text) > 2000 || strings.HasPrefix(u.Path, "/auth/login") || strings.HasPrefix(u.Path, "/auth/verify") {
		return ""
	}
	return text
}

func goTo(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// signInFirst sends a browser to sign in and then back to what it wanted.
func signInFirst(w http.ResponseWriter, r *http.Request) {
	goTo(w, "/auth/login?next="+url.QueryEscape(r.URL.RequestURI()))
}

// statusOf is the HTTP status of a problem.
func statusOf(err error) int {
	switch signin.CodeOf(err) {
	case "":
		return http.StatusInternalServerError
	case signin.CodeGone:
		return http.StatusGone
	case signin.CodeTooMany:
		return http.StatusTooManyRequests
	case "access_denied", "forged":
		return http.StatusForbidden
	case signin.CodeStale, "invalid_client":
		return http.StatusUnauthorized
	case "misdirected":
		return http.StatusMisdirectedRequest
	}
	return http.StatusBadRequest
}

// worded is what is told of an error; what is our fault is logged and not told.
func (h *Handler) worded(w http.ResponseWriter, r *http.Request, err error) string {
	var p *signin.Problem
	if errors.As(err, &p) {
		if p.After > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(p.After.Seconds())))
		}
		return p.Text
	}
	if r.Context().Err() == nil {
		h.log.ErrorContext(r.Context(), "sign-in failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	return "Something went wrong on the server. Try again."
}

// fail shows a problem on a page.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	text := h.worded(w, r, err)
	h.show(w, r, statusOf(err), "message", &page{Title: "That did not work", Problem: text, Link: &link{"/auth/login", "Go to the sign-in page"}})
}

// answerJSON writes a body.
func answerJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(data) //nolint:errcheck // the client is gone; nobody is left to tell
}

// atLeast waits until a time has passed, so that answers take the same; up to a quarter more,
// drawn anew each time, hides what still differs, such as how busy a mail keeps the machine.
func atLeast(ctx context.Context, start time.Time, floor time.Duration) {
	if floor > 0 {
		floor += rand.N(floor / 4) //nolint:gosec // nobody gains from knowing it
	}
	select {
	case <-ctx.Done():
	case <-time.After(floor - time.Since(start)):
	}
}

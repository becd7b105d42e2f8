package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
)

// Browser logs in through the browser: it has open show an address, waits for the browser to
// come back to a port of this machine, and trades the code that it brings for tokens. Only
// who started this can do that, as it alone knows the verifier.
func (s *Server) Browser(ctx context.Context, open func(address string) error) (auth.Credential, error) {
	if s.meta.Authorize == "" {
		return auth.Credential{}, api.Errorf(api.CodeUnsupported, "%s does not log in through the browser", s.client.BaseURL())
	}
	l, err := listen()
	if err != nil {
		return auth.Credential{}, err
	}
	verifier, state, redirect := random(), random(), "http://"+l.host+"/callback"
	code, err := l.wait(ctx, s.callback(l, state), func() error {
		return open(withQuery(s.meta.Authorize, url.Values{
			"response_type": {"code"}, "client_id": {ClientID}, "redirect_uri": {redirect}, "state": {state},
			"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
		}))
	})
	if err != nil {
		return auth.Credential{}, err
	}
	return s.token(ctx, url.Values{
		"grant_type": {grantCode}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier},
	})
}

// callback takes the browser's return. What is not of this login is not heard.
func (s *Server) callback(l *loopback, state string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		issuer := query.Get("iss")
		switch {
		case r.Method != http.MethodGet || r.URL.Path != "/callback" || r.Host != l.host:
			http.NotFound(w, r)
		case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1,
			issuer != "" && issuer != s.meta.Issuer:
			http.Error(w, "This answer belongs to no login that waits here.", http.StatusBadRequest)
		case query.Get("code") == "":
			page(w, "You are not logged in", "You can close this page and look at your terminal.")
			l.done(outcome{err: &Refused{Reason: query.Get("error"), Words: query.Get("error_description")}})
		default:
			page(w, "You are logged in", "You can close this page and go back to your terminal.")
			l.done(outcome{text: query.Get("code")})
		}
	})
}

// CloudPatience is how long Prefect Cloud's command line waits for the browser.
const CloudPatience = 2 * time.Minute

// Cloud logs in to Prefect Cloud as its own command line does: the page makes an API key and
// posts it to a port of this machine. ui is the address of the web interface.
func Cloud(ctx context.Context, ui string, open func(address string) error) (auth.Secret, error) {
	l, err := listen()
	if err != nil {
		return auth.Secret{}, err
	}
	_, port, _ := net.SplitHostPort(l.host)
	ctx, cancel := context.WithTimeout(ctx, CloudPatience)
	defer cancel()
	key, err := l.wait(ctx, cloudCallback(l, auth.Origin(ui)), func() error {
		return open(ui + "/auth/client?callback=http%3A//localhost%3A" + port)
	})
	return auth.NewSecret(key), err
}

// cloudCallback answers the page's script. The page proves nothing, so at least pages of
// other sites are turned away.
func cloudCallback(l *loopback, page string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Methods", "*")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
		if r.Method == http.MethodOptions {
			return
		}
		if from := r.Header.Get("Origin"); from != "" && from != page {
			http.Error(w, "This page did not start the login.", http.StatusForbidden)
			return
		}
		var body struct {
			Key    string `json:"api_key"`
			Reason string `json:"reason"`
		}
		text, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		if err != nil || json.Unmarshal(text, &body) != nil || r.Method != http.MethodPost {
			http.NotFound(w, r)
			return
		}
		switch {
		case r.URL.Path == "/success" && body.Key != "":
			_, _ = io.WriteString(w, "null")
			l.done(outcome{text: body.Key})
		case r.URL.Path == "/failure":
			_, _ = io.WriteString(w, "null")
			l.done(outcome{err: &Refused{Reason: "access_denied", Words: "Prefect Cloud did not log you in: " + body.Reason}})
		default:
			http.NotFound(w, r)
		}
	})
}

// outcome is what the browser brings.
type outcome struct {
	text string
	err  error
}

// loopback is a port of this machine that waits for a browser.
type loopback struct {
	host      string // address and port
	listeners []net.Listener
	outcomes  chan outcome
}

// listen takes a free port, on IPv6 too if it can be had: browsers differ in what localhost is.
func listen() (*loopback, error) {
	l := &loopback{outcomes: make(chan outcome, 1)}
	first, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		if first, err = net.Listen("tcp6", "[::1]:0"); err != nil {
			return nil, fmt.Errorf("wait for the browser: %w", err)
		}
	}
	l.host, l.listeners = first.Addr().String(), []net.Listener{first}
	if _, port, _ := net.SplitHostPort(l.host); port != "" {
		if second, err := net.Listen("tcp6", "[::1]:"+port); err == nil {
			l.listeners = append(l.listeners, second)
		}
	}
	return l, nil
}

// done ends the waiting; only the first outcome counts.
func (l *loopback) done(o outcome) {
	select {
	case l.outcomes <- o:
	default:
	}
}

// wait serves until there is an outcome. The port is closed when it returns.
func (l *loopback) wait(ctx context.Context, handler http.Handler, start func() error) (string, error) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	for _, listener := range l.listeners {
		go server.Serve(listener) //nolint:errcheck // ends with Shutdown
	}
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil { // lets the last page be sent
			_ = server.Close()
		}
	}()
	if err := start(); err != nil {
		return "", err
	}
	select {
	case o := <-l.outcomes:
		return o.text, o.err
	case <-ctx.Done():
		return "", errors.Join(ErrNoReturn, ctx.Err())
	}
}

// ErrNoReturn says that the browser did not come back.
var ErrNoReturn = errors.New("the browser did not come back in time")

func page(w http.ResponseWriter, title, text string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%[1]s</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}</style>
<main><h1>%[1]s</h1><p>%[2]s</p></main></html>`, html.EscapeString(title), html.EscapeString(text))
}

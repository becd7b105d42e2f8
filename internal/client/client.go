// Package client is the typed client of the Prefect 3 REST and WebSocket API: the same
// for Prefect Cloud, a self-hosted Prefect server and usher's own. Every operation of the
// contract is a method (operations_gen.go). A Client is safe for concurrent use.
package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Options say where the API is and how to be let in.
type Options struct {
	BaseURL    string // ends in /api, or /api/accounts/…/workspaces/… for Prefect Cloud; user:password@ is taken as AuthString
	APIKey     string // sent as a bearer token; excludes AuthString
	AuthString string // user:password, sent as basic authentication
	// Token gives the bearer token of each request where it changes: it excludes APIKey and AuthString.
	Token         func(context.Context) (string, error)
	Headers       map[string]string // added to every request
	SkipTLSVerify bool
	CAFile        string // PEM file of additional authorities
	MaxRetries    int    // of requests refused with 429, 502, 503, 408 or broken connections; 0 means 5, negative none
	UserAgent     string
	Timeout       time.Duration // of one request; 0 means a minute
	// Observe is told of each request that went out, also of one that is tried again: its answer's
	// status, 0 with an error.
	Observe func(request *http.Request, status int, took time.Duration, err error)
}

// Client calls one API.
type Client struct {
	base       string
	headers    http.Header
	token      string                                // what sockets authenticate with
	fresh      func(context.Context) (string, error) // the token of a request, nil if it never changes
	http       *http.Client
	tls        *tls.Config
	maxRetries int

	mu   sync.Mutex
	csrf csrfToken
	id   string
}

// New makes a Client. It fails only on options that can't work; it connects to nothing.
func New(o Options) (*Client, error) {
	base := strings.TrimRight(o.BaseURL, "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, api.Errorf(api.CodeInvalid, "%q is not an API URL; it looks like http://127.0.0.1:4200/api", o.BaseURL)
	}
	if u.User != nil { // travels as a header, so that no message shows it
		password, _ := u.User.Password()
		o.AuthString = cmp.Or(o.AuthString, u.User.Username()+":"+password)
		u.User = nil
		base = u.String()
	}
	config, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.MaxRetries == 0 {
		o.MaxRetries = 5
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}
	return &Client{
		base: base, headers: headersOf(o), token: cmp.Or(o.APIKey, o.AuthString), fresh: o.Token, maxRetries: max(o.MaxRetries, 0), tls: config,
		http: &http.Client{Transport: observed(transport, o.Observe), Timeout: o.Timeout, CheckRedirect: keepAuthorization},
	}, nil
}

// observed tells observe of what goes through a transport.
func observed(transport http.RoundTripper, observe func(*http.Request, int, time.Duration, error)) http.RoundTripper {
	if observe == nil {
		return transport
	}
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		begun, status := time.Now(), 0
		answer, err := transport.RoundTrip(request)
		if err == nil {
			status = answer.StatusCode
		}
		observe(request, status, time.Since(begun), err)
		return answer, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.SkipTLSVerify} //nolint:gosec // the user's own setting
	if o.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "read the certificate file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, api.Errorf(api.CodeInvalid, "%s holds no PEM certificate", o.CAFile)
	}
	config.RootCAs = pool
	return config, nil
}

func headersOf(o Options) http.Header {
	h := http.Header{}
	h.Set("X-Prefect-Api-Version", APIVersion)
	h.Set("Accept", "application/json")
	if o.UserAgent != "" {
		h.Set("User-Agent", o.UserAgent)
	}
	switch {
	case o.APIKey != "":
		h.Set("Authorization", "Bearer "+o.APIKey)
	case o.AuthString != "":
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(o.AuthString)))
	}
	for k, v := range o.Headers {
		h.Set(k, v)
	}
	return h
}

// authorize puts the token of the moment on a request, and returns it.
func (c *Client) authorize(ctx context.Context, header http.Header) (string, error) {
	if c.fresh == nil || header.Get("Authorization") != "" {
		return c.token, nil
	}
	token, err := c.fresh(ctx)
	if err == nil && token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return token, err
}

// APIVersion is the version of the contract that usher speaks.
const APIVersion = "0.8.4"

// keepAuthorization follows redirects on the same host only: a slash redirect must keep
// its method and body, and a key must never travel to another host.
func keepAuthorization(next *http.Request, via []*http.Request) error {
	if len(via) > 5 || next.URL.Host != via[0].URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// BaseURL returns the API's URL without a trailing slash.
func (c *Client) BaseURL() string { return c.base }

// call sends one operation and decodes the answer into out, unless out is nil.
func (c *Client) call(ctx context.Context, op api.Operation, pathArgs []any, query url.Values, body, out any) error {
	path := fillPath(op.Path, pathArgs)
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode the body of %s: %w", op.Name, err)
		}
	}
	answer, err := c.Do(ctx, op.Method, path, payload)
	if err != nil {
		return err
	}
	_, anything := out.(*jsontext.Value)
	if out == nil || len(answer.Body) == 0 && (anything || answer.Status == http.StatusNoContent) {
		return nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return api.Errorf(api.CodeInternal, "%s answered %s with something that is not the Prefect API (is the API URL right?): %w", c.base, op.Path, err)
	}
	return nil
}

// fillPath replaces the {parameters} of a path in their order.
func fillPath(path string, args []any) string {
	for _, arg := range args {
		open, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:open] + url.PathEscape(fmt.Sprint(arg)) + path[end+1:]
	}
	return path
}

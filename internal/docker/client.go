// Package docker speaks the Engine API of Docker, which Podman serves too, over plain HTTP:
// the official client would cost several megabytes of binary for the dozen calls made here.
package docker

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// newest is the newest version of the API that is asked for; engines that are older answer
// in their own.
const newest = "1.44"

// Client talks to one engine.
type Client struct {
	http *http.Client
	root string // where requests go
	name string // what the Python client calls the engine
	host string // as DOCKER_HOST has it, for messages

	mu      sync.Mutex
	version string // of the API, once known
}

// New makes a client of the engine that DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH
// name, else of the one whose socket is at a usual place. It does not connect.
func New(lookup func(string) (string, bool)) (*Client, error) {
	env := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	host := env("DOCKER_HOST")
	if host == "" {
		host = usualSocket(env("XDG_RUNTIME_DIR"))
	}
	scheme, address, ok := strings.Cut(host, "://")
	if !ok {
		return nil, api.Errorf(api.CodeInvalid, "DOCKER_HOST is %q; write unix:///path or tcp://host:port", host)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}
	c := &Client{http: &http.Client{Transport: transport}, host: host}
	switch scheme {
	case "unix":
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", address)
		}
		c.root, c.name = "http://docker", "http+docker://localhost"
	case "tcp", "http", "https":
		secure := scheme == "https"
		if env("DOCKER_TLS_VERIFY") != "" || secure {
			config, err := certificates(env("DOCKER_CERT_PATH"))
			if err != nil {
				return nil, err
			}
			transport.TLSClientConfig, secure = config, true
		}
		c.root = "http://" + strings.TrimSuffix(address, "/")
		if secure {
			c.root = "https://" + strings.TrimSuffix(address, "/")
		}
		c.name = c.root
	default:
		return nil, api.Errorf(api.CodeUnsupported, "DOCKER_HOST is %q; only unix:// and tcp:// are supported (for ssh, forward the socket)", host)
	}
	return c, nil
}

// usualSocket is Docker's socket, or Podman's where there is no other.
func usualSocket(runtimeDir string) string {
	const usual = "/var/run/docker.sock"
	for _, path := range []string{usual, filepath.Join(runtimeDir, "docker.sock"), filepath.Join(runtimeDir, "podman/podman.sock"), "/run/podman/podman.sock"} {
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix://" + path
		}
	}
	return "unix://" + usual
}

func certificates(dir string) (*tls.Config, error) {
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(home, ".docker")
	}
	authority, err := os.ReadFile(filepath.Join(dir, "ca.pem")) //nolint:gosec // the user says where it is
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "DOCKER_TLS_VERIFY is set, but there is no authority to trust: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, api.Errorf(api.CodeInvalid, "%s holds no certificate", filepath.Join(dir, "ca.pem"))
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	switch {
	case err == nil:
		config.Certificates = []tls.Certificate{pair}
	case !errors.Is(err, os.ErrNotExist):
		return nil, api.Errorf(api.CodeInvalid, "the client certificate in %s: %w", dir, err)
	}
	return config, nil
}

// Name is the engine's base URL as the Python client prints it, which infrastructure ids
// begin with.
func (c *Client) Name() string { return c.name }

// Host is the engine's address as DOCKER_HOST has it.
func (c *Client) Host() string { return c.host }

// Version says what the engine is.
type Version struct {
	Version string `json:"Version"`
	OS      string `json:"Os"`
}

// AtLeast says that the engine's version is the one given or a newer one.
func (v Version) AtLeast(major, minor int) bool {
	parts := strings.SplitN(v.Version, ".", 3)
	if len(parts) < 2 {
		return true // a development build
	}
	m, err1 := strconv.Atoi(parts[0])
	n, err2 := strconv.Atoi(parts[1])
	return err1 != nil || err2 != nil || m > major || m == major && n >= minor
}

// Version asks the engine what it is.
func (c *Client) Version(ctx context.Context) (v Version, err error) {
	err = c.call(ctx, http.MethodGet, "/version", nil, nil, &v)
	return v, err
}

// negotiate finds the version of the API that both sides know.
func (c *Client) negotiate(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != "" {
		return c.version, nil
	}
	response, err := c.send(ctx, http.MethodGet, c.root+"/_ping", nil, nil)
	if err != nil {
		return "", err
	}
	drop(response.Body)
	c.version = newest
	if theirs := response.Header.Get("Api-Version"); theirs != "" && older(theirs, newest) {
		c.version = theirs
	}
	return c.version, nil
}

func older(a, b string) bool {
	_, x, _ := strings.Cut(a, ".")
	_, y, _ := strings.Cut(b, ".")
	m, err1 := strconv.Atoi(x)
	n, err2 := strconv.Atoi(y)
	return err1 == nil && err2 == nil && m < n
}

// request sends one request of the API; the caller closes the answer's body.
func (c *Client) request(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	version, err := c.negotiate(ctx)
	if err != nil {
		return nil, err
	}
	target := c.root + "/v" + version + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	return c.send(ctx, method, target, header, body)
}

func (c *Client) send(ctx context.Context, method, target string, header http.Header, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, api.Errorf(api.CodeUnavailable, "could not connect to Docker at %s (is the engine running, and may this user use it?): %w", c.host, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		defer response.Body.Close() //nolint:errcheck // the answer is an error
		return nil, refusal(response)
	}
	return response, nil
}

// refusal is what the engine says against a request.
func refusal(response *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) //nolint:errcheck // what there is of it
	var told struct {
		Message string `json:"message"`
		Cause   string `json:"cause"`
	}
	if json.Unmarshal(data, &told) != nil || told.Message == "" {
		told.Message = strings.TrimSpace(string(data))
	}
	code := api.CodeInvalid
	switch {
	case response.StatusCode == http.StatusNotFound:
		code = api.CodeNotFound
	case response.StatusCode == http.StatusConflict:
		code = api.CodeConflict
	case response.StatusCode == http.StatusUnauthorized:
		code = api.CodeUnauthenticated
	case response.StatusCode == http.StatusForbidden:
		code = api.CodeForbidden
	case response.StatusCode >= http.StatusInternalServerError:
		code = api.CodeInternal
	}
	return api.Errorf(code, "%s", told.Message)
}

// call sends a request with a JSON body and reads a JSON answer; both may be nil.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var header http.Header
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		header, reader = http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(data)
	}
	response, err := c.request(ctx, method, path, query, header, reader)
	if err != nil {
		return err
	}
	defer drop(response.Body)
	if into == nil {
		return nil
	}
	if err := json.UnmarshalRead(response.Body, into); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return api.Errorf(api.CodeUnavailable, "the answer of the engine at %s broke off: %w", c.host, err)
	}
	return nil
}

// drop reads the rest, so that the connection can be used again.
func drop(body io.ReadCloser) {
	io.Copy(io.Discard, io.LimitReader(body, 64<<10)) //nolint:errcheck // nothing of it matters
	body.Close()                                      //nolint:errcheck // it was only read
}

// seconds are whole seconds as the API wants them.
func seconds(d time.Duration) string { return fmt.Sprint(int(d.Seconds())) }

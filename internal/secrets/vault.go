package secrets

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// Ways to be let in at Vault.
const (
	AuthToken      = "token"
	AuthKubernetes = "kubernetes"
	AuthAppRole    = "approle"
)

// VaultOptions say where a Vault is and how it lets one in. What is secret is in files, which
// are read anew at each login: they may change.
type VaultOptions struct {
	Address   string // https://vault.example.com:8200; http only on this machine
	Namespace string // of Vault Enterprise, "" for none
	CAFile    string // who vouches for its certificate, "" for who the system trusts
	Auth      string // one of the ways
	Mount     string // of the way; its name when ""

	TokenFile    string
	Role         string // of a login with a token of Kubernetes
	JWTFile      string // that token; where Kubernetes mounts it when ""
	RoleID       string // of an AppRole
	SecretIDFile string
}

const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// How long Vault may take to answer, and how often and when it is asked again that could not
// be reached or is in trouble.
const (
	vaultPatience = 10 * time.Second
	vaultTries    = 4
	vaultPause    = time.Second
)

// tokenMargin is how long before its end a token is replaced.
const tokenMargin = 30 * time.Second

// Vault reads the newest versions of secrets of KV engines, version 2. It is safe for
// concurrent use.
type Vault struct {
	options VaultOptions
	client  *http.Client
	now     func() time.Time
	pause   time.Duration

	mu      sync.Mutex
	token   string
	expires time.Time // zero: not known to end
}

// NewVault checks the options. It asks Vault nothing yet.
func NewVault(o VaultOptions, now func() time.Time) (*Vault, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, api.Errorf(api.CodeInvalid, "the address of Vault is no URL such as https://vault.example.com:8200")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, api.Errorf(api.CodeInvalid, "the address of Vault begins with http:// and is not on this machine: secrets would travel in the clear")
	}
	missing := func(setting string) error {
		return api.Errorf(api.CodeInvalid, "logging in to Vault by %s needs %s", o.Auth, setting)
	}
	switch {
	case o.Auth == AuthToken && o.TokenFile == "":
		return nil, missing("USHER_SECRETS_VAULT_TOKEN_FILE")
	case o.Auth == AuthKubernetes && o.Role == "":
		return nil, missing("USHER_SECRETS_VAULT_ROLE")
	case o.Auth == AuthAppRole && (o.RoleID == "" || o.SecretIDFile == ""):
		return nil, missing("USHER_SECRETS_VAULT_ROLE_ID and USHER_SECRETS_VAULT_SECRET_ID_FILE")
	}
	o.Address = strings.TrimRight(o.Address, "/")
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // it is one
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "cannot read who vouches for Vault's certificate: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, api.Errorf(api.CodeInvalid, "%s has no certificates in PEM", o.CAFile)
		}
	}
	client := &http.Client{Timeout: vaultPatience, Transport: transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Scheme == "http" && u.Scheme == "https" {
			return errors.New("it leads from https to http")
		}
		return nil
	}}
	return &Vault{options: o, client: client, now: now, pause: vaultPause}, nil
}

// Read returns a field of a secret at mount/path#field, or all its fields without #field. The
// mount is the first segment, unless the path is as Vault's API has it: mount/data/path.
func (v *Vault) Read(ctx context.Context, place string) (any, error) {
	at, field, one := strings.Cut(place, "#")
	at = strings.Trim(at, "/")
	if !strings.Contains(at, "/data/") {
		mount, rest, ok := strings.Cut(at, "/")
		if !ok {
			return nil, api.Errorf(api.CodeInvalid, "a block refers to %q in Vault: write mount/path#field, such as secret/db#password", place)
		}
		at = mount + "/data/" + rest
	}
	for _, segment := range strings.Split(at, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return nil, api.Errorf(api.CodeInvalid, "a block refers to %q in Vault, which is no path", place)
		}
	}
	var body struct {
		Data struct {
			Data map[string]any `json:"data"`
		} `json:"data"`
	}
	status, err := v.get(ctx, at, &body)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, api.Errorf(api.CodeInvalid, "a block refers to %s in Vault, where there is nothing (any more)", place)
	case status == http.StatusForbidden:
		return nil, api.Errorf(api.CodeInvalid, "a block refers to %s in Vault, which this worker may not read: give its role a policy that lets it read %s", place, at)
	case status != http.StatusOK:
		return nil, api.Errorf(api.CodeInvalid, "Vault answered %d when asked for %s", status, place)
	case !one:
		return body.Data.Data, nil
	}
	value, ok := body.Data.Data[field]
	if !ok {
		return nil, api.Errorf(api.CodeInvalid, "a block refers to %s in Vault, where there is no such field", place)
	}
	return value, nil
}

// get asks with the token that is there, and once more with a new one if that is refused: it
// may have been revoked.
func (v *Vault) get(ctx context.Context, at string, into any) (status int, err error) {
	for range 2 {
		token, fresh, err := v.login(ctx)
		if err != nil {
			return 0, err
		}
		status, err = v.ask(ctx, http.MethodGet, at, token, nil, into)
		if err != nil || status != http.StatusForbidden || fresh {
			return status, err
		}
		v.forget(token)
	}
	return status, err
}

func (v *Vault) forget(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token == token {
		v.token = ""
	}
}

// login is a token that lets in, and whether it is new.
func (v *Vault) login(ctx context.Context) (token string, fresh bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token != "" && (v.expires.IsZero() || v.now().Before(v.expires)) {
		return v.token, false, nil
	}
	o := &v.options
	var body map[string]string
	var secret string
	switch o.Auth {
	case AuthKubernetes:
		file := o.JWTFile
		if file == "" {
			file = serviceAccountToken
		}
		if secret, err = readSecret(file); err == nil {
			body = map[string]string{"role": o.Role, "jwt": secret}
		}
	case AuthAppRole:
		if secret, err = readSecret(o.SecretIDFile); err == nil {
			body = map[string]string{"role_id": o.RoleID, "secret_id": secret}
		}
	default:
		v.token, err = readSecret(o.TokenFile)
		return v.token, true, err
	}
	if err != nil {
		return "", false, err
	}
	mount := o.Mount
	if mount == "" {
		mount = o.Auth
	}
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
			Life  int    `json:"lease_duration"` // seconds
		} `json:"auth"`
	}
	status, err := v.ask(ctx, http.MethodPost, "auth/"+strings.Trim(mount, "/")+"/login", "", body, &answer)
	if err != nil {
		return "", false, err
	}
	if status != http.StatusOK || answer.Auth.Token == "" {
		return "", false, api.Errorf(api.CodeInvalid, "Vault does not let this worker in by %s (%d): look at its role and what it shows", o.Auth, status)
	}
	v.token, v.expires = answer.Auth.Token, time.Time{}
	if life := time.Duration(answer.Auth.Life) * time.Second; life > 0 {
		v.expires = v.now().Add(life - min(tokenMargin, life/2))
	}
	return v.token, true, nil
}

func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", api.Errorf(api.CodeInvalid, "cannot read what lets this worker in at Vault: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// ask sends a request, again after a while when Vault can't be reached or is in trouble.
// What goes wrong is told without what was sent or answered.
func (v *Vault) ask(ctx context.Context, method, at, token string, body, into any) (status int, err error) {
	var payload []byte
	if body != nil {
		if payload, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	for try := range vaultTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(v.pause << (try - 1)):
			}
		}
		status, err = v.askOnce(ctx, method, at, token, payload, into)
		if err == nil && status < http.StatusInternalServerError && status != http.StatusTooManyRequests && status != http.StatusPreconditionFailed {
			return status, nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	if err == nil {
		return 0, api.Errorf(api.CodeUnavailable, "Vault at %s is in trouble or sealed (%d)", v.options.Address, status)
	}
	return 0, api.Errorf(api.CodeUnavailable, "Vault at %s can't be reached: %w", v.options.Address, err)
}

// answerMost is more than Vault answers.
const answerMost = 32 << 20

func (v *Vault) askOnce(ctx context.Context, method, at, token string, payload []byte, into any) (int, error) {
	u := v.options.Address + "/v1/" + (&url.URL{Path: at}).EscapedPath()
	r, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(payload))
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-Vault-Request", "true")
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	if v.options.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", v.options.Namespace)
	}
	res, err := v.client.Do(r)
	if err != nil {
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // without the path
		}
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMost))
	if err != nil || res.StatusCode != http.StatusOK {
		return res.StatusCode, err
	}
	if json.Unmarshal(text, into) != nil {
		return 0, errors.New("it does not answer as Vault does")
	}
	return res.StatusCode, nil
}

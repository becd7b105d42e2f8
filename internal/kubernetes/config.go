package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/api"
)

// serviceAccount is where a pod finds what its service account lets it do.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// New makes a client for the cluster that this pod runs in, else for the one that the
// user's kubeconfig names.
func New(lookup func(string) (string, bool)) (*Client, error) {
	env := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	host, port := env("KUBERNETES_SERVICE_HOST"), env("KUBERNETES_SERVICE_PORT")
	if _, err := os.Stat(serviceAccount + "/token"); host != "" && err == nil {
		return inCluster(net.JoinHostPort(host, port))
	}
	path := env("KUBECONFIG")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(home, ".kube", "config")
	}
	path = filepath.SplitList(path)[0]
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "no Kubernetes cluster is known: this is no pod, and there is no kubeconfig (set KUBECONFIG, or give the pool a cluster_config): %w", err)
	}
	return FromConfig(data, "", filepath.Dir(path))
}

func inCluster(address string) (*Client, error) {
	authority, err := os.ReadFile(serviceAccount + "/ca.crt")
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(authority)
	namespace, _ := os.ReadFile(serviceAccount + "/namespace") //nolint:errcheck // default, then
	c := newClient("https://"+address, config, nil)
	c.Namespace, c.auth = strings.TrimSpace(string(namespace)), (&tokenFile{path: serviceAccount + "/token"}).header
	return c, nil
}

// kubeconfig is the part of a kubectl configuration that is looked at.
type kubeconfig struct {
	Current  string `yaml:"current-context"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster   string `yaml:"cluster"`
			User      string `yaml:"user"`
			Namespace string `yaml:"namespace"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string  `yaml:"name"`
		Cluster cluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User user   `yaml:"user"`
	} `yaml:"users"`
}

type cluster struct {
	Server     string `yaml:"server"`
	Authority  string `yaml:"certificate-authority"`
	Data       string `yaml:"certificate-authority-data"`
	Insecure   bool   `yaml:"insecure-skip-tls-verify"`
	ServerName string `yaml:"tls-server-name"`
	Proxy      string `yaml:"proxy-url"`
}

type user struct {
	Token     string         `yaml:"token"`
	TokenFile string         `yaml:"tokenFile"`
	Cert      string         `yaml:"client-certificate"`
	CertData  string         `yaml:"client-certificate-data"`
	Key       string         `yaml:"client-key"`
	KeyData   string         `yaml:"client-key-data"`
	Username  string         `yaml:"username"`
	Password  string         `yaml:"password"`
	Exec      *plugin        `yaml:"exec"`
	Provider  map[string]any `yaml:"auth-provider"`
}

// FromConfig makes a client of a kubeconfig, YAML or JSON, and one of its contexts ("" is the
// current one). Files that it names are relative to dir.
func FromConfig(data []byte, named, dir string) (*Client, error) {
	var config kubeconfig
	if err := yaml.Unmarshal(data, &config); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the kubeconfig can't be read: %w", err)
	}
	if named == "" {
		named = config.Current
	}
	var clusterName, userName, namespace string
	found := false
	for _, c := range config.Contexts {
		if c.Name == named {
			clusterName, userName, namespace, found = c.Context.Cluster, c.Context.User, c.Context.Namespace, true
		}
	}
	if !found {
		return nil, api.Errorf(api.CodeInvalid, "the kubeconfig has no context %q", named)
	}
	var at *cluster
	for i := range config.Clusters {
		if config.Clusters[i].Name == clusterName {
			at = &config.Clusters[i].Cluster
		}
	}
	if at == nil || at.Server == "" {
		return nil, api.Errorf(api.CodeInvalid, "the kubeconfig has no cluster %q for context %q", clusterName, named)
	}
	var who user
	for _, u := range config.Users {
		if u.Name == userName {
			who = u.User
		}
	}
	c, err := at.client(who, dir)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the kubeconfig's context %q: %w", named, err)
	}
	c.Namespace = namespace
	return c, nil
}

func (at *cluster) client(who user, dir string) (*Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: at.ServerName, InsecureSkipVerify: at.Insecure} //nolint:gosec // the user says so
	authority, err := material(at.Data, at.Authority, dir)
	if err != nil {
		return nil, err
	}
	if authority != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authority) {
			return nil, errors.New("its certificate-authority holds no certificate")
		}
	}
	cert, err := material(who.CertData, who.Cert, dir)
	if err != nil {
		return nil, err
	}
	key, err := material(who.KeyData, who.Key, dir)
	if err != nil {
		return nil, err
	}
	if cert != nil {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("its client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	var proxy *url.URL
	if at.Proxy != "" {
		if proxy, err = url.Parse(at.Proxy); err != nil {
			return nil, err
		}
	}
	c := newClient(strings.TrimSuffix(at.Server, "/"), config, proxy)
	switch {
	case who.Exec != nil:
		who.Exec.dir = dir
		c.auth = who.Exec.header
	case who.TokenFile != "":
		c.auth = (&tokenFile{path: within(dir, who.TokenFile)}).header
	case who.Token != "":
		c.auth = func(context.Context, bool) (string, error) { return "Bearer " + who.Token, nil }
	case who.Username != "":
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(who.Username+":"+who.Password))
		c.auth = func(context.Context, bool) (string, error) { return basic, nil }
	case who.Provider != nil:
		return nil, errors.New("auth-provider is of the past; use an exec plugin or a token")
	}
	return c, nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// material is what stands in the configuration, or in the file that it names; nil if neither.
func material(data, path, dir string) ([]byte, error) {
	if data != "" {
		return base64.StdEncoding.DecodeString(data)
	}
	if path == "" {
		return nil, nil
	}
	return os.ReadFile(within(dir, path))
}

// tokenFile is a token that the cluster renews in a file.
type tokenFile struct {
	path string

	mu    sync.Mutex
	token string
	read  time.Time
}

// tokenAge is how long a token that was read is good without looking at the file again.
const tokenAge = time.Minute

func (f *tokenFile) header(_ context.Context, fresh bool) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fresh || f.token == "" || time.Since(f.read) > tokenAge {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return "", err
		}
		f.token, f.read = strings.TrimSpace(string(data)), time.Now()
	}
	return "Bearer " + f.token, nil
}

// plugin is a program that answers with a token, as cloud providers have them.
type plugin struct {
	APIVersion string   `yaml:"apiVersion"`
	Command    string   `yaml:"command"`
	Args       []string `yaml:"args"`
	Env        []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"env"`
	Hint string `yaml:"installHint"`

	dir string

	mu      sync.Mutex
	token   string
	expires time.Time
}

func (p *plugin) header(ctx context.Context, fresh bool) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token != "" && !fresh && (p.expires.IsZero() || time.Now().Before(p.expires.Add(-tokenAge))) {
		return "Bearer " + p.token, nil
	}
	command := p.Command
	if strings.ContainsRune(command, filepath.Separator) {
		command = within(p.dir, command)
	}
	cmd := exec.CommandContext(ctx, command, p.Args...) //nolint:gosec // the kubeconfig names it
	cmd.Env = append(os.Environ(), fmt.Sprintf(`KUBERNETES_EXEC_INFO={"apiVersion":%q,"kind":"ExecCredential","spec":{"interactive":false}}`, p.APIVersion))
	for _, e := range p.Env {
		cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", api.Errorf(api.CodeUnauthenticated, "the kubeconfig's program %s gives no token: %w %s %s", p.Command, err, firstLine(complaint.String()), p.Hint)
	}
	var answer struct {
		Status struct {
			Token   string    `json:"token"`
			Expires time.Time `json:"expirationTimestamp"`
		} `json:"status"`
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.Status.Token == "" {
		return "", api.Errorf(api.CodeUnauthenticated, "the kubeconfig's program %s answers without a token", p.Command)
	}
	p.token, p.expires = answer.Status.Token, answer.Status.Expires
	return "Bearer " + p.token, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func newClient(base string, config *tls.Config, proxy *url.URL) *Client {
	transport := &http.Transport{
		TLSClientConfig: config, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		HTTP2:       &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
	if proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
	}
	return &Client{http: &http.Client{Transport: transport}, base: base}
}

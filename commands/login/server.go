package login

import (
	"context"
	"net/url"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/auth"
	"github.com/usherhq/usher/internal/auth/oauth"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/profile"
)

// server is where somebody logs in.
type server struct {
	root    string        // of its API
	auth    *oauth.Server // nil if it has no authorization server
	isCloud bool
	client  *client.Client // of the root, as nobody
}

// rootOf makes the root of an API of what somebody calls the server: an address with or
// without /api, or that of a workspace.
func rootOf(address string) (string, error) {
	if !strings.Contains(address, "://") {
		scheme := "https://"
		if host, _, _ := strings.Cut(address, "/"); strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]") {
			scheme = "http://"
		}
		address = scheme + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", cli.Usagef("%q is no server; they look like https://usher.example.com", auth.Redact(address))
	}
	if u.User != nil {
		return "", cli.Usagef("leave the password out of the address, where others see it").WithHint("--with-token reads user:password from standard input")
	}
	path, _, _ := strings.Cut(u.Path, "/accounts/")
	if path = strings.TrimRight(path, "/"); path == "" {
		path = "/api"
	}
	return strings.ToLower(u.Scheme+"://"+u.Host) + path, nil
}

// cloudRoot is the root of Prefect Cloud, or of what plays its part.
func cloudRoot(settings *profile.Settings) string {
	return strings.TrimRight(settings.Value(cloudSetting).Text, "/")
}

// find looks what a server offers.
func find(ctx context.Context, env *cli.Env, settings *profile.Settings, root string) (*server, error) {
	s := &server{root: root}
	var err error
	if s.client, err = env.ConnectAs(settings, root, ""); err != nil {
		return nil, err
	}
	if host := auth.Origin(root); strings.HasSuffix(host, ".prefect.cloud") || strings.HasSuffix(host, ".prefect.dev") {
		s.isCloud = true
		return s, nil
	}
	s.auth, err = env.AuthServer(ctx, settings, root)
	if api.CodeOf(err) == api.CodeUnsupported {
		s.isCloud = root == cloudRoot(settings)
		return s, nil
	}
	return s, err
}

// isOpen reports whether the server lets everybody in.
func (s *server) isOpen(ctx context.Context) (bool, error) {
	_, err := s.client.Do(ctx, "GET", "/me/workspaces", nil)
	switch api.CodeOf(err) {
	case api.CodeUnauthenticated, api.CodeForbidden:
		return false, nil
	case "", api.CodeNotFound, api.CodeUnsupported:
		return true, nil
	}
	return false, err
}

// me is who the server takes somebody for.
type me struct {
	ID        string `json:"id"`
	Handle    string `json:"handle"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// isBot reports whether it is a service account.
func (m me) isBot() bool { return strings.HasSuffix(m.Email, "@service-account.invalid") }

// name is what people call it.
func (m me) name() string {
	if m.Email == "" || m.isBot() {
		return m.Handle
	}
	return m.Email
}

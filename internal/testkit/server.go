package testkit

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startPatience covers the reference's first start, with migrations, on a
// busy machine.
const startPatience = 3 * time.Minute

// Server is a running control plane, ours or the reference's.
type Server struct {
	*Process

	// URL is where the server listens, without /api.
	URL string
	// Home is the directory that it, and clients made with Env, write to.
	Home string

	command  []string
	extraEnv []string
}

// APIURL is what clients call PREFECT_API_URL.
func (s *Server) APIURL() string { return s.URL + "/api" }

// Env is the environment for clients of this server, with a home of their own.
func (s *Server) Env(home string, extra ...string) []string {
	url := []string{"PREFECT_API_URL=" + s.APIURL(), "USHER_API_URL=" + s.APIURL()}
	return Env(home, append(url, extra...)...)
}

// Restart starts the server again after Stop or Kill, on the same home, port
// and log.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ReferenceServer starts the reference's server on a database of its own and
// stops it when the test ends.
func ReferenceServer(t testing.TB, extraEnv ...string) *Server {
	t.Helper()
	s, err := StartReferenceServer(t.Context(), Reference(t), t.TempDir(), extraEnv...)
	return tended(t, s, err)
}

// UsherServer starts our server on a database of its own and stops it when
// the test ends; args follow `usher server start`.
func UsherServer(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := StartUsherServer(t.Context(), Usher(t), t.TempDir(), args...)
	return tended(t, s, err)
}

// UsherServerIn is UsherServer in a home that there is already, with variables of its
// environment.
func UsherServerIn(t testing.TB, home string, env ...string) *Server {
	t.Helper()
	s, err := startServer(t.Context(), home, env, Usher(t), "server", "start")
	return tended(t, s, err)
}

func tended(t testing.TB, s *Server, err error) *Server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", s.URL, tail(s.Log(), 200))
		}
	})
	return s
}

// StartReferenceServer is ReferenceServer for programs that are no test; the
// caller stops it.
func StartReferenceServer(ctx context.Context, py Python, home string, extraEnv ...string) (*Server, error) {
	return startServer(ctx, home, extraEnv, py.Prefect, "server", "start")
}

// StartUsherServer is UsherServer for programs that are no test; the caller
// stops it.
func StartUsherServer(ctx context.Context, binary, home string, args ...string) (*Server, error) {
	return startServer(ctx, home, nil, append([]string{binary, "server", "start"}, args...)...)
}

// StartUsherServerIn is UsherServerIn for programs that are no test; the caller stops it.
func StartUsherServerIn(ctx context.Context, binary, home string, env ...string) (*Server, error) {
	return startServer(ctx, home, env, binary, "server", "start")
}

func startServer(ctx context.Context, home string, extraEnv []string, command ...string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command = append(command, "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	scheme := "http"
	if slices.ContainsFunc(extraEnv, func(kv string) bool { return strings.HasPrefix(kv, "USHER_TLS_CERT=") }) {
		scheme = "https"
	}
	s := &Server{URL: fmt.Sprintf("%s://127.0.0.1:%d", scheme, port), Home: home, command: command, extraEnv: extraEnv}
	return s, s.start(ctx)
}

func (s *Server) start(ctx context.Context) error {
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.Env = Env(s.Home, s.extraEnv...)
	cmd.Dir = s.Home
	p, err := StartProcess(cmd, filepath.Join(s.Home, "server.log"))
	if err != nil {
		return err
	}
	s.Process = p
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := Until(ctx, func() error { return s.healthy(ctx) }); err != nil {
		s.Kill()
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(s.command[0]), s.URL, err, tail(s.Log(), 60))
	}
	return nil
}

// anyServer asks a server for its health, whatever its certificate.
var anyServer = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}

// errEnded is for a server that ended without an error.
var errEnded = errors.New("exit status 0")

func (s *Server) healthy(ctx context.Context) error {
	if s.ended() {
		return Final(fmt.Errorf("the server ended: %w", cmp.Or(s.Err(), errEnded)))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.APIURL()+"/health", nil)
	if err != nil {
		return err
	}
	res, err := anyServer.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("health answers %s", res.Status)
	}
	return nil
}

// FreePort is a port that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// freePort picks at random below the range that the kernel hands to outgoing
// connections, so that nobody takes the port before the server listens.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port between 20000 and 32000 on 127.0.0.1")
}

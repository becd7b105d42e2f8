package acceptance

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// secured is a server that speaks TLS with a certificate of its own authority.
type secured struct {
	*testkit.Server
	program string
	ca      string
	roots   *x509.CertPool
	address string
}

// startSecured makes the certificate as people do, and starts a server with it.
func startSecured(t *testing.T, extra ...string) *secured {
	t.Helper()
	s := &secured{program: testkit.Usher(t)}
	home := t.TempDir()
	var made struct{ CA, Cert, Key string }
	if err := json.Unmarshal(s.init(t, home), &made); err != nil {
		t.Fatal(err)
	}
	s.Server = testkit.UsherServerIn(t, home, append(extra, "USHER_TLS_CERT="+made.Cert, "USHER_TLS_KEY="+made.Key)...)
	text, err := os.ReadFile(made.CA)
	if err != nil {
		t.Fatal(err)
	}
	s.ca, s.roots = made.CA, x509.NewCertPool()
	s.roots.AppendCertsFromPEM(text)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.address = at.Host
	return s
}

func (s *secured) init(t *testing.T, home string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(s.program, append([]string{"server", "certs", "init", "-o", "json"}, args...)...)
	cmd.Env = testkit.Env(home)
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v\n%s", err, failed.Stderr)
	}
	return out
}

// shake is what openssl says of a handshake.
func shake(t *testing.T, address string, args ...string) (made bool, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"s_client", "-connect", address}, args...)...)
	cmd.Stdin = strings.NewReader("")
	out, err := cmd.CombinedOutput()
	return err == nil && bytes.Contains(out, []byte("BEGIN CERTIFICATE")) && !bytes.Contains(out, []byte("Cipher is (NONE)")), string(out)
}

// TestHandshakesBelowTLS12AreRefused shakes hands as old programs do. The same handshakes
// are made with a server that takes them, which proves that openssl has really offered them.
func TestHandshakesBelowTLS12AreRefused(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	lax := startLax(t)
	for _, c := range []struct {
		name string
		args []string
		want bool
	}{
		{"TLS 1.0", []string{"-tls1", "-cipher", "ALL@SECLEVEL=0"}, false},
		{"TLS 1.1", []string{"-tls1_1", "-cipher", "ALL@SECLEVEL=0"}, false},
		{"TLS 1.2 with CBC", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA@SECLEVEL=0"}, false},
		{"TLS 1.2 with GCM", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"}, true},
		{"TLS 1.2 with ChaCha20", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"}, true},
		{"TLS 1.3", []string{"-tls1_3"}, true},
	} {
		if made, said := shake(t, s.address, append(c.args, "-CAfile", s.ca, "-verify_return_error")...); made != c.want {
			t.Errorf("%s: a handshake: %v\n%s", c.name, made, said)
		}
		if made, said := shake(t, lax, c.args...); !made {
			t.Errorf("%s: openssl can't make it at all\n%s", c.name, said)
		}
	}
	newest := startSecured(t, "USHER_TLS_MIN_VERSION=1.3")
	if made, said := shake(t, newest.address, "-tls1_2"); made {
		t.Errorf("TLS 1.2 is taken though 1.3 is wanted\n%s", said)
	}
	if made, said := shake(t, newest.address, "-tls1_3"); !made {
		t.Errorf("TLS 1.3 is refused\n%s", said)
	}
}

// startLax shakes hands with every client.
func startLax(t *testing.T) (address string) {
	t.Helper()
	certificate, _, _ := testkit.Certificate(t, "127.0.0.1")
	all := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, CipherSuites: all})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn) // the client ends it
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// TestAServerSpeaksTLSOnly is what browsers and careless clients hear, and what becomes of
// a certificate that is replaced.
func TestAServerSpeaksTLSOnly(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, DisableKeepAlives: true}}
	get := func(host string) http.Header {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.Header
	}
	if got := get("usher.example").Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=31536000") {
		t.Errorf("HSTS: %q", got)
	}
	if got := get("localhost:4200").Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS for this machine: %q", got)
	}
	if res, err := http.Get("http://" + s.address + "/api/health"); err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %v %v", res, err)
	}
	serial := func() string {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.roots}}).DialContext(t.Context(), "tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	s.init(t, s.Home)
	testkit.Eventually(t, time.Minute, func() error {
		if serial() == before {
			return errors.New("the old certificate is still shown")
		}
		return nil
	})
	if err := os.WriteFile(filepath.Join(s.Home, ".usher", "certs", "server.pem"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, func() error {
		_ = serial() // as before
		if !strings.Contains(s.Log(), "the certificate has changed and can't be used") {
			return errors.New("nobody is told")
		}
		return nil
	})
}

// TestOnlyKnownClientsAreLetIn is a server that asks clients for certificates.
func TestOnlyKnownClientsAreLetIn(t *testing.T) {
	t.Parallel()
	certificate, _, file := testkit.Certificate(t, "client")
	s := &secured{program: testkit.Usher(t)}
	home := t.TempDir()
	var made struct{ CA, Cert, Key string }
	if err := json.Unmarshal(s.init(t, home), &made); err != nil {
		t.Fatal(err)
	}
	port := testkit.FreePort(t)
	cmd := exec.Command(s.program, "server", "start", "--port", fmt.Sprint(port))
	cmd.Env = testkit.Env(home, "USHER_TLS_CERT="+made.Cert, "USHER_TLS_KEY="+made.Key, "USHER_TLS_CLIENT_CA="+file)
	p, err := testkit.StartProcess(cmd, filepath.Join(home, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	at := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
	ask := func(certificates ...tls.Certificate) error {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}}}
		res, err := client.Get("https://" + at + "/api/health")
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	testkit.Eventually(t, time.Minute, func() error { return ask(certificate) })
	if err := ask(); err == nil {
		t.Error("a client without a certificate is let in")
	}
	stranger, _, _ := testkit.Certificate(t, "client")
	if err := ask(stranger); err == nil {
		t.Error("a client with a certificate of its own is let in")
	}
}

const flowOverTLS = `
from prefect import flow, task

@task
def double(n):
    return 2 * n

@flow
def secure():
    return double.submit(21).result()

assert secure() == 42
`

// TestClientsSpeakTLS runs usher and an unmodified flow in each way to trust the server, and
// without.
func TestClientsSpeakTLS(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	python := testkit.Reference(t)
	for name, trust := range map[string]string{"SSL_CERT_FILE": s.ca, "PREFECT_API_SSL_CERT_FILE": s.ca, "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true"} {
		p := &person{t, s.program, s.Env(t.TempDir(), name+"="+trust)}
		p.usher("flow", "ls")
		home := t.TempDir()
		script := filepath.Join(home, "secure.py")
		if err := os.WriteFile(script, []byte(flowOverTLS), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), python.Python, script)
		cmd.Env, cmd.Dir = testkit.WithPath(s.Env(home, name+"="+trust), python.Bin), home
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	p := &person{t, s.program, s.Env(t.TempDir(), "SSL_CERT_FILE="+s.ca)}
	// Task runs come through a socket, so they say that sockets work too.
	testkit.Eventually(t, time.Minute, func() error {
		if n := strings.Count(p.usher("task-run", "ls", "-o", "json"), `"COMPLETED"`); n < 3 {
			return fmt.Errorf("%d task runs have completed", n)
		}
		return nil
	})
	nobody := &person{t, s.program, s.Env(t.TempDir())}
	if _, said, err := nobody.try("flow", "ls"); err == nil || !strings.Contains(said, "PREFECT_API_SSL_CERT_FILE") {
		t.Errorf("who does not trust the server: %v\n%s", err, said)
	}
}

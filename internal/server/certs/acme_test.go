package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/usherhq/usher/internal/server/certs"
	"github.com/usherhq/usher/internal/testkit"
)

// pebble is the authority that the makers of ACME test with.
const pebble = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.8.0"

// A server gets its certificate from an authority that has looked at its own port, keeps
// it, and answers for no other name.
func TestCertificatesOverACME(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an authority")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	directory, root := startPebble(t, dir, listener.Addr().(*net.TCPAddr).Port)
	t.Setenv("SSL_CERT_FILE", root)
	cache := filepath.Join(dir, "cache")
	o := certs.Options{Hosts: []string{"usher.example"}, ACMEDirectory: directory, ACMEEmail: "ops@usher.example", ACMECache: cache}
	config, err := o.Config(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, tls.NewListener(listener, config))
	address := listener.Addr().String()
	dial := func(name string) (*x509.Certificate, error) {
		conn, err := (&tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
	}
	var got *x509.Certificate
	testkit.Eventually(t, 2*time.Minute, func() error {
		got, err = dial("usher.example")
		return err
	})
	if err := got.VerifyHostname("usher.example"); err != nil {
		t.Error(err)
	}
	again, err := dial("usher.example")
	if err != nil || again.SerialNumber.Cmp(got.SerialNumber) != 0 {
		t.Errorf("another certificate for the second visitor: %v", err)
	}
	if _, err := dial("other.example"); err == nil {
		t.Error("it answers for a name that is not its own")
	}
	if _, err := os.Stat(filepath.Join(cache, "usher.example")); err != nil {
		t.Errorf("the certificate is not kept: %v", err)
	}
}

// serve shakes hands with whoever comes.
func serve(t *testing.T, l net.Listener) {
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).HandshakeContext(context.Background()) // the client tells
				_ = conn.Close()
			}()
		}
	}()
}

func startPebble(t *testing.T, dir string, port int) (directory, root string) {
	t.Helper()
	own, err := certs.InitLocal(filepath.Join(dir, "pebble"), []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": at, "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)), "certificate": own.Cert, "privateKey": own.Key,
		"httpPort": testkit.FreePort(t), "tlsPort": port,
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testkit.GoProgram(t, pebble), "-config", file, "-dnsserver", startDNS(t))
	cmd.Env = testkit.Env(dir, "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	p, err := testkit.StartProcess(cmd, filepath.Join(dir, "pebble.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log(p.Log())
		}
	})
	text, err := os.ReadFile(own.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	testkit.Eventually(t, time.Minute, func() error {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pool}}).DialContext(t.Context(), "tcp", at)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return "https://" + at + "/dir", own.CA
}

// startDNS is a name server for which every name is this machine.
func startDNS(t *testing.T) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buffer[:n]); err != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
				}}
			}
			answer, err := m.Pack()
			if err == nil {
				_, _ = conn.WriteTo(answer, from) // who asked asks again
			}
		}
	}()
	return conn.LocalAddr().String()
}

// What can't work is said before the server listens.
func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := certs.InitLocal(dir, []string{"localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := certs.InitLocal(t.TempDir(), []string{"localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]certs.Options{
		"no key": {Cert: made.Cert}, "no certificate": {Key: made.Key}, "another's key": {Cert: made.Cert, Key: other.Key}, "no file": {Cert: made.Cert, Key: "gone"},
		"both": {Cert: made.Cert, Key: made.Key, Hosts: []string{"a.example"}}, "no authority": {Cert: made.Cert, Key: made.Key, ClientCA: empty},
	} {
		if _, err := o.Config(slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	info, err := os.Stat(made.Key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the key: %v %v", info.Mode(), err)
	}
}

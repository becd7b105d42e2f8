package testkit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Mail is a letter that a MailServer has taken.
type Mail struct {
	To      string
	Header  mail.Header
	Text    string // the part in plain text
	HTML    string // "" when there is none
	Raw     string
	WithTLS bool
}

var linkInMail = regexp.MustCompile(`https?://\S+`)

// Link is the first link in the plain text.
func (m *Mail) Link() string { return linkInMail.FindString(m.Text) }

// MailServer is a real SMTP server that keeps what it is given.
type MailServer struct {
	Host string
	Port int
	// CA is a file with the certificate that vouches for the server, for SSL_CERT_FILE;
	// Roots is the same for programs in this process.
	CA    string
	Roots *x509.CertPool

	mu    sync.Mutex
	mails []Mail
}

// StartMailServer starts one that offers STARTTLS, or none when plain.
func StartMailServer(t testing.TB, plain bool) *MailServer {
	t.Helper()
	m := &MailServer{Host: "127.0.0.1"}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, secure := c.TLSConnectionState()
		return &mailSession{server: m, secure: secure}, nil
	}))
	server.Domain, server.MaxMessageBytes, server.ReadTimeout, server.WriteTimeout = "mail.test", 1<<20, time.Minute, time.Minute
	if !plain {
		certificate, pool, file := Certificate(t, "127.0.0.1")
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		m.CA, m.Roots = file, pool
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.Port = listener.Addr().(*net.TCPAddr).Port
	go server.Serve(listener) //nolint:errcheck // it ends when it is closed
	t.Cleanup(func() { _ = server.Close() })
	return m
}

// Count is how many mails an address has got.
func (m *MailServer) Count(to string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.mails {
		if m.mails[i].To == to {
			n++
		}
	}
	return n
}

// Await waits for the nth mail to an address, from 1.
func (m *MailServer) Await(t testing.TB, to string, n int) *Mail {
	t.Helper()
	var found *Mail
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := Until(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		left := n
		for i := range m.mails {
			if m.mails[i].To == to {
				if left--; left == 0 {
					letter := m.mails[i]
					found = &letter
					return nil
				}
			}
		}
		return fmt.Errorf("%s has got %d mails, not %d", to, n-left, n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

type mailSession struct {
	server *MailServer
	secure bool
	to     []string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		letter, err := readMail(string(raw))
		if err != nil {
			return &smtp.SMTPError{Code: 554, Message: err.Error()}
		}
		letter.To, letter.WithTLS = to, s.secure
		s.server.mu.Lock()
		s.server.mails = append(s.server.mails, *letter)
		s.server.mu.Unlock()
	}
	return nil
}

func (s *mailSession) Reset() { s.to = nil }

func (s *mailSession) Logout() error { return nil }

func readMail(raw string) (*Mail, error) {
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return nil, err
	}
	out := &Mail{Header: m.Header, Raw: raw}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		out.Text = string(text)
		return out, err
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(part) // NextPart has decoded it
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			out.HTML = string(text)
		} else {
			out.Text = string(text)
		}
	}
}

// Certificate makes a certificate for a host that vouches for itself, with the pool and the
// file that trust it.
func Certificate(t testing.TB, host string) (tls.Certificate, *x509.CertPool, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool, file
}

// Package certs decides how the server proves who it is: with certificates from files,
// which may be replaced while it runs, or from an authority that it asks over ACME. It also
// makes a local authority for development.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Options say where certificates come from. The zero value is a server without TLS.
type Options struct {
	Cert, Key string // files in PEM; both or neither
	// Hosts are the names that an authority is asked about over ACME.
	Hosts         []string
	ACMEDirectory string // of the authority, "" for Let's Encrypt
	ACMEEmail     string // whom it tells of problems
	ACMECache     string // a folder for what it has issued
	// From13 refuses TLS 1.2 too.
	From13 bool
	// ClientCA is a file with the authorities of which every client must show a
	// certificate; "" asks none for any.
	ClientCA string
}

// On says that the server speaks TLS.
func (o Options) On() bool { return o.Cert != "" || o.Key != "" || len(o.Hosts) > 0 }

// suites are those of TLS 1.2 that keep secrets when a key leaks later and notice changes.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config is how a server with these options shakes hands; nil without TLS. Its errors say
// what to do.
func (o Options) Config(log *slog.Logger) (*tls.Config, error) {
	if !o.On() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, NextProtos: []string{"h2", "http/1.1"}}
	if o.From13 {
		config.MinVersion = tls.VersionTLS13
	}
	switch {
	case len(o.Hosts) > 0 && (o.Cert != "" || o.Key != ""):
		return nil, errors.New("certificates come from files or over ACME: unset USHER_TLS_CERT and USHER_TLS_KEY, or USHER_TLS_ACME")
	case len(o.Hosts) > 0:
		o.automatic(config)
	case o.Cert == "" || o.Key == "":
		return nil, errors.New("USHER_TLS_CERT and USHER_TLS_KEY belong together: set both")
	default:
		pair := &files{cert: o.Cert, key: o.Key, log: log, clock: time.Now}
		if err := pair.load(); err != nil {
			return nil, err
		}
		config.GetCertificate = pair.certificate
	}
	return config, o.askClients(config)
}

func (o Options) askClients(config *tls.Config) error {
	if o.ClientCA == "" {
		return nil
	}
	text, err := os.ReadFile(o.ClientCA)
	if err != nil {
		return fmt.Errorf("cannot read USHER_TLS_CLIENT_CA: %w", err)
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("USHER_TLS_CLIENT_CA: %s holds no PEM certificate", o.ClientCA)
	}
	return nil
}

// automatic gets certificates when they are first asked for, and renews them. The
// authority looks at the port that people use, so that one must lead here.
func (o Options) automatic(config *tls.Config) {
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.ACMECache), HostPolicy: autocert.HostWhitelist(o.Hosts...), Email: o.ACMEEmail,
	}
	if o.ACMEDirectory != "" {
		m.Client = &acme.Client{DirectoryURL: o.ACMEDirectory, UserAgent: "usher"}
	}
	config.GetCertificate = m.GetCertificate
	config.NextProtos = append(config.NextProtos, acme.ALPNProto)
}

// Folder is where certificates are kept that usher makes or gets, below its home.
func Folder(home string) string { return filepath.Join(home, "certs") }

// IsLocal says that a host is this machine, whatever its name.
func IsLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

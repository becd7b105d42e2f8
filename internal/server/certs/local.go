package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Local are the files of a local authority and of the certificate that it has issued.
type Local struct {
	CA   string `json:"ca"`   // what clients must trust
	Cert string `json:"cert"` // USHER_TLS_CERT
	Key  string `json:"key"`  // USHER_TLS_KEY
}

const (
	caLife    = 10 * 365 * 24 * time.Hour
	localLife = 397 * 24 * time.Hour // longer ones are refused by some clients
)

// InitLocal makes a certificate for hosts in a folder, from an authority that it makes
// there the first time. Called again it replaces the certificate and keeps the authority.
func InitLocal(folder string, hosts []string, now time.Time) (*Local, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	ca, caKey, err := authority(folder, now)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(localLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return nil, err
	}
	out := &Local{CA: filepath.Join(folder, "ca.pem"), Cert: filepath.Join(folder, "server.pem"), Key: filepath.Join(folder, "server-key.pem")}
	if err := writeKey(out.Key, key); err != nil {
		return nil, err
	}
	return out, write(out.Cert, "CERTIFICATE", der, 0o644)
}

// authority reads the authority of a folder, or makes it.
func authority(folder string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	certFile, keyFile := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "ca-key.pem")
	if _, err := os.Stat(keyFile); err == nil {
		return readAuthority(certFile, keyFile)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "usher development authority of " + host}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	if err := write(certFile, "CERTIFICATE", der, 0o644); err != nil {
		return nil, nil, err
	}
	if err := writeKey(keyFile, key); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func readAuthority(certFile, keyFile string) (*x509.Certificate, crypto.Signer, error) {
	certText, err := os.ReadFile(certFile) //nolint:gosec // it is in our home
	if err != nil {
		return nil, nil, err
	}
	keyText, err := os.ReadFile(keyFile) //nolint:gosec // it is in our home
	if err != nil {
		return nil, nil, err
	}
	certBlock, _ := pem.Decode(certText)
	keyBlock, _ := pem.Decode(keyText)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, fmt.Errorf("%s or %s is no PEM file: remove both to begin anew", certFile, keyFile)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", certFile, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s holds no key that signs", keyFile)
	}
	return cert, signer, nil
}

func serial() *big.Int {
	random := make([]byte, 16)
	rand.Read(random) //nolint:errcheck // it never fails
	random[0] &= 0x7f
	return new(big.Int).SetBytes(random)
}

func writeKey(file string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return write(file, "PRIVATE KEY", der, 0o600)
}

// write replaces a file whole, so that a server that reads it sees the old or the new.
func write(file, kind string, der []byte, mode fs.FileMode) error {
	fresh, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) //nolint:errcheck // it is gone when all went well
	_, err = fresh.Write(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	if err = errors.Join(err, fresh.Chmod(mode), fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), file)
}

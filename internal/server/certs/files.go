package certs

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// files is a certificate that is read again when its files change. While they don't
// belong together, as between the writing of the two, the one before is shown.
type files struct {
	cert, key string
	log       *slog.Logger
	clock     func() time.Time

	mu     sync.Mutex
	loaded *tls.Certificate
	seen   [2]version
	looked time.Time
}

// version tells one content of a file from another.
type version struct {
	changed time.Time
	size    int64
}

// lookEvery bounds how often the files are looked at.
const lookEvery = time.Second

func versionOf(file string) version {
	info, err := os.Stat(file)
	if err != nil {
		return version{}
	}
	return version{info.ModTime(), info.Size()}
}

// load reads the files.
func (f *files) load() error {
	seen := [2]version{versionOf(f.cert), versionOf(f.key)}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	f.looked, f.seen = f.clock(), seen
	if err != nil {
		return fmt.Errorf("cannot use the certificate %s with the key %s: %w", f.cert, f.key, err)
	}
	f.loaded = &pair
	return nil
}

func (f *files) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age := f.clock().Sub(f.looked); age >= 0 && age < lookEvery {
		return f.loaded, nil
	}
	f.looked = f.clock()
	if seen := [2]version{versionOf(f.cert), versionOf(f.key)}; seen != f.seen {
		if err := f.load(); err != nil {
			f.log.Warn("the certificate has changed and can't be used; the one before is shown", "error", err)
		} else {
			f.log.Info("the certificate was read again", "file", f.cert)
		}
	}
	return f.loaded, nil
}

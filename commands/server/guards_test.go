package server

import (
	"testing"

	"github.com/usherhq/usher/internal/notify"
)

// TestWeakPasswordsForEverybodyAreRefused looks at what may guard a server that others reach.
func TestWeakPasswordsForEverybodyAreRefused(t *testing.T) {
	t.Parallel()
	for text, weak := range map[string]bool{
		"admin:pass": true, "admin:changeme": true, "admin:": true, "admin": true, "admin:aaaaaaaaaaaaaaaaaaaaaaaa": true, "a-very-long-user-name:short": true,
		"admin:fifteen-letters": true, "admin:9f86d081884c7d65": false, "admin:correct horse battery": false, "x:a:b:c0d1e2f3a4b5c6": false,
	} {
		if isWeak(text) != weak {
			t.Errorf("%q: weak %t", text, !weak)
		}
	}
}

// TestWeakPasswordsElsewhereAreRefused looks at those of the database and the mail server.
func TestWeakPasswordsElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	const good = "9f86d081884c7d65"
	for url, weak := range map[string]bool{
		"/var/lib/usher.db": false, "sqlite:////x@y:z/usher.db": false, "postgres://usher@db/usher": false, "postgres:///usher?host=/run": false,
		"postgres://usher:changeme@db/usher": true, "postgresql+asyncpg://usher:postgres@db:5432/usher": true, "postgres://u:%61%61%61%61%61%61%61%61%61%61%61%61%61%61%61%61@10.0.0.1/x": true,
		"postgres://usher:changeme@127.0.0.1:5432/usher": false, "postgres://usher:changeme@[::1]:5432/usher": false, "postgres://u:pw@localhost:1,db:2/x": true,
		"postgres://usher:" + good + "@db:5432/usher": false,
	} {
		if err := checkPasswords(url, &notify.SMTP{}); (err != nil) != weak {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, c := range []struct {
		host, password string
		weak           bool
	}{{"mail", "changeme", true}, {"mail", "", false}, {"127.0.0.1", "changeme", false}, {"mail", good, false}} {
		if err := checkPasswords("usher.db", &notify.SMTP{Host: c.host, Password: c.password}); (err != nil) != c.weak {
			t.Errorf("%v: %v", c, err)
		}
	}
}

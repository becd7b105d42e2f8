package server

import "testing"

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

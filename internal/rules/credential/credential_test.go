package credential_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/rules/credential"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	random := make([]byte, credential.Entropy)
	rand.Read(random) //nolint:errcheck // it never fails
	secret, ok := credential.New(credential.UserKey, random)
	if !ok || len(secret) != credential.Length || !credential.WellFormed(secret) {
		t.Fatalf("%q, %v", secret, ok)
	}
	for i := 4; i < len(secret); i++ {
		other := byte('0')
		if secret[i] == '0' {
			other = '1'
		}
		if typo := secret[:i] + string(other) + secret[i+1:]; credential.WellFormed(typo) {
			t.Errorf("a typing error at %d goes unnoticed", i)
		}
	}
	for _, bad := range []string{"", "pnu_", secret[1:], secret + "0", strings.Replace(secret, "_", "-", 1)} {
		if credential.WellFormed(bad) {
			t.Errorf("%q is taken for a secret", bad)
		}
	}
	if _, ok := credential.New(credential.UserKey, make([]byte, 29)); ok {
		t.Error("29 random bytes are enough")
	}
	if got := credential.Masked(credential.UserKey, credential.Suffix(secret)); got != "pnu_****"+secret[36:] {
		t.Errorf("it is shown as %s", got)
	}
}

// The form of a secret never changes: old ones must stay good.
func TestAKnownSecret(t *testing.T) {
	t.Parallel()
	random := make([]byte, credential.Entropy)
	for i := range random {
		random[i] = byte(i)
	}
	if secret, _ := credential.New(credential.BotKey, random); secret != known {
		t.Errorf("got %s", secret)
	}
}

const known = "pnb_0123456789ABCDEFGHIJKLMNOPQRST4AUzm7"

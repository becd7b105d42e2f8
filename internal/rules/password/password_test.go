package password

import (
	"strings"
	"testing"
)

// TestPasswordsThatAreGuessedFirst: what is short, common, or made of what is common is
// refused, and passwords that are good are not.
func TestPasswordsThatAreGuessedFirst(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "short", "elevenchars", "aaaaaaaaaaaa", "abababababab", "password1234", "Password123!", "P@ssw0rd1234", "passwordpassword", "1234567890123456",
		"qwertyuiop123", "QWERTYUIOPASDF", "iloveyou1234", "letmeinletmein", "abcdefghijklm", "mlkjihgfedcba", "1qaz2wsx3edc", "adalovelace1815",
		"ada@example.com", "usherusher2026", "dragondragon!!", "football2024!!", strings.Repeat("z7 kW", 20), strings.Repeat("correct horse ", 10), "with a\nnew line in it", "bad \xff bytes in here",
	} {
		if Problem(text, "ada", "lovelace", "example.com", "usher", "1815", "2026") == "" {
			t.Errorf("%q is taken", text)
		}
	}
	for _, text := range []string{"correct horse battery staple", "vlam-tuin-9-potlood", "зелёный трамвай едет", "x8#kQ2!vLm0Z", "mountain goats sing at noon"} {
		if problem := Problem(text, "ada"); problem != "" {
			t.Errorf("%q: %s", text, problem)
		}
	}
}

// TestCommonPasswordsAreThere: the list is read as a whole.
func TestCommonPasswordsAreThere(t *testing.T) {
	t.Parallel()
	if n := len(common()); n < 18000 {
		t.Errorf("%d common passwords", n)
	}
	for _, text := range []string{"password", "123456", "zzzzzz"} {
		if !common()[text] {
			t.Errorf("%q is not among them", text)
		}
	}
}

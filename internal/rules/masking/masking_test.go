package masking_test

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/rules/masking"
)

func TestSecretsInLinesAreMasked(t *testing.T) {
	t.Parallel()
	patterns, err := masking.Parse([]string{masking.Known, `acme-\d{4}`, `(?i)(card )\d+`})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"nothing here, 3 tokens were read from the secret room":                  "",
		"key pnu_0123456789ABCDEFGHIJKLMNOPQRST4AUzm7 and acme-1234, acme-12345": "key pnu_******** and ********, ********5",
		"Authorization: Bearer abcdefghij.k":                                     "Authorization: Bearer ********",
		"postgres://ada:hunter2@db/x?y=1":                                        "postgres://********db/x?y=1",
		"got eyJhbGciOiJI.eyJzdWIiOiIx.c2ln end":                                 "got ******** end",
		"AKIAABCDEFGHIJKLMNOP":                                                   "********",
		`{"password": "with space", "user": "ada"}`:                              `{"password": ********, "user": "ada"}`,
		"API_KEY=abc; next":                                                      "API_KEY=********; next",
		"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----.":   "********.",
		"-----BEGIN PRIVATE KEY-----\nMIIcut":                                    "********",
		"CARD 4711 of Ada":                                                       "CARD ******** of Ada",
	} {
		if want == "" {
			want = text
		}
		if got := patterns.Mask(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
	for _, bad := range []string{"(", "x*", ""} {
		if _, err := masking.Parse([]string{bad}); err == nil || !strings.Contains(err.Error(), `"`+bad+`"`) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

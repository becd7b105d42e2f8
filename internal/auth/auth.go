// Package auth keeps what lets you in: which accounts you are logged in to, and for each
// its API key or tokens. Secrets are in the keyring of the operating system; where there is
// none, in a file that a passphrase seals, or in a plain one if that is insisted on. Nothing
// secret is in the list of accounts, which every command may read.
package auth

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// Secret is a key, a token or a password. It prints as nothing but its kind, so that it
// can't get into a log or a message by accident; Reveal is the only way to the text.
type Secret struct{ text string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is nothing.
func (s Secret) IsZero() bool { return s.text == "" }

// Format hides the text, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "(secret)") } //nolint:errcheck // as fmt's own

// MarshalText hides the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// secrets are what Redact looks for, in groups that stay.
var secrets = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`\b(p(?:nu|nb|ut|rt|rn|cu)_)[0-9A-Za-z]{8,}`),
		regexp.MustCompile(`\b([Bb]earer +|[Bb]asic +)[0-9A-Za-z+/=._~-]{8,}`),
		regexp.MustCompile(`\b([a-z]+://)[^/@\s]+@`),
	}
})

// Redact takes keys, tokens, credentials of headers and passwords of URLs out of a text.
func Redact(text string) string {
	for i, pattern := range secrets() {
		text = pattern.ReplaceAllString(text, []string{"$1****", "$1****", "$1****@"}[i])
	}
	return text
}

// Method is how somebody logged in.
type Method string

// The methods.
const (
	Browser   Method = "browser"
	MagicLink Method = "magic link"
	Device    Method = "device code"
	Key       Method = "API key"
	Password  Method = "password"
	Workload  Method = "workload identity"
)

// Place is where a secret is kept.
type Place string

// The places.
const (
	Keyring Place = "keyring"
	Sealed  Place = "encrypted file"
	Plain   Place = "plain file"
)

// Account is somebody who is logged in at a server. It holds no secret.
type Account struct {
	// Server is the root of its API, such as https://usher.example.com/api.
	Server string `json:"server"`
	// Actor is the id that the server knows the person or service account by.
	Actor string `json:"actor"`
	// Name is what people call it: an e-mail address or the name of a service account.
	Name    string     `json:"name"`
	Method  Method     `json:"method"`
	Kept    Place      `json:"kept"`
	Expires *time.Time `json:"expires"` // of the whole login, where the server says
}

// Origin is the scheme, host and port of a URL: who is logged in at one is logged in at all
// its paths, and nowhere else.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// Origin is where the account is one.
func (a Account) Origin() string { return Origin(a.Server) }

// key names the account in the keyring.
func (a Account) key() string { return a.Origin() + "|" + a.Actor }

func (a Account) same(b Account) bool { return a.key() == b.key() }

// Credential is what lets an account in: a key that lasts, or tokens that are renewed.
type Credential struct {
	Key      Secret // an API key
	Password Secret // user:password of a server that knows one
	Access   Secret
	Refresh  Secret
	Expires  time.Time // of Access
}

// Bearer is what requests carry now, empty for a password.
func (c Credential) Bearer() Secret {
	if !c.Key.IsZero() {
		return c.Key
	}
	return c.Access
}

// fresh reports whether the credential lets in for a while still.
func (c Credential) fresh(now time.Time) bool {
	return c.Access.IsZero() || c.Expires.IsZero() || now.Add(leeway).Before(c.Expires)
}

// leeway is how long before its end a token is renewed.
const leeway = time.Minute

// CheckKey says what is wrong with the form of an API key, nil if nothing that can be told
// without asking the server.
func CheckKey(key string) error {
	switch {
	case key == "":
		return api.Errorf(api.CodeInvalid, "the key is empty")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return api.Errorf(api.CodeInvalid, "the key has blanks or other characters in it that no key has; was it copied whole?")
	}
	return nil
}

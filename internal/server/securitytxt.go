package server

import (
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// SecurityTxt is whom to tell of weaknesses: what /.well-known/security.txt says, by RFC 9116.
type SecurityTxt struct {
	Contact string // an address of mail, or a URL; "" for no file
	Policy  string // a URL, or ""
}

// securityTxtPath is where it is looked for.
const securityTxtPath = "/.well-known/security.txt"

// securityTxtLife is how long what a running server says holds. One that is not kept up says
// something that is over, so that nobody writes where nobody reads.
const securityTxtLife = 90 * 24 * time.Hour

// Check says what is wrong with it.
func (s SecurityTxt) Check() error {
	if s.Contact == "" {
		if s.Policy != "" {
			return fmt.Errorf("USHER_SECURITY_POLICY says what happens with reports: set USHER_SECURITY_CONTACT to where they go")
		}
		return nil
	}
	if _, err := s.contact(); err != nil {
		return err
	}
	if s.Policy != "" && !isPage(s.Policy) {
		return fmt.Errorf("USHER_SECURITY_POLICY is %q: set it to a page such as https://example.com/security", s.Policy)
	}
	return nil
}

func isPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && !strings.ContainsAny(text, "\r\n ")
}

// contact is where reports go, as a URI.
func (s SecurityTxt) contact() (string, error) {
	text := strings.TrimPrefix(s.Contact, "mailto:")
	if isPage(text) {
		return text, nil
	}
	if a, err := mail.ParseAddress(text); err == nil && a.Address == text && !strings.ContainsAny(text, "\r\n ") {
		return "mailto:" + text, nil
	}
	return "", fmt.Errorf("USHER_SECURITY_CONTACT is %q: set it to an address such as security@example.com, or a page that begins with https://", s.Contact)
}

// serve answers with the file; expires is when it is over.
func (s SecurityTxt) serve(w http.ResponseWriter, publicURL string, expires time.Time) {
	contact, err := s.contact()
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Contact: %s\nExpires: %s\n", contact, expires.UTC().Truncate(time.Second).Format(time.RFC3339))
	if s.Policy != "" {
		fmt.Fprintf(&text, "Policy: %s\n", s.Policy)
	}
	if isPage(publicURL) {
		fmt.Fprintf(&text, "Canonical: %s\n", strings.TrimRight(publicURL, "/")+securityTxtPath)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write([]byte(text.String())) //nolint:errcheck // the client is gone; nobody is left to tell
}

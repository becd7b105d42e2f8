package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/testkit"
)

// TestWhomToTellOfWeaknesses reads security.txt as who has found one does: it needs no
// credentials, names where to write, and is not over.
func TestWhomToTellOfWeaknesses(t *testing.T) {
	t.Parallel()
	s := testkit.UsherServerIn(t, t.TempDir(), "USHER_SECURITY_CONTACT=security@example.com", "USHER_SECURITY_POLICY=https://example.com/policy", "PREFECT_SERVER_API_AUTH_STRING=admin:secret")
	fields := map[string]string{}
	for line := range strings.Lines(get(t, s.URL+"/.well-known/security.txt", http.StatusOK)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if _, twice := fields[name]; !ok || twice {
			t.Errorf("line %q", line)
		}
		fields[name] = value
	}
	if fields["Contact"] != "mailto:security@example.com" || fields["Policy"] != "https://example.com/policy" {
		t.Errorf("%v", fields)
	}
	expires, err := time.Parse(time.RFC3339, fields["Expires"])
	if err != nil || time.Until(expires) < 24*time.Hour || time.Until(expires) > 365*24*time.Hour {
		t.Errorf("expires %v, %v", expires, err)
	}
	silent := testkit.UsherServer(t)
	if text := get(t, silent.URL+"/.well-known/security.txt", http.StatusNotFound); strings.Contains(text, "Contact") {
		t.Errorf("a server without a contact says %s", text)
	}
	for _, bad := range []server.SecurityTxt{
		{Policy: "https://example.com"}, {Contact: "nobody"}, {Contact: "http://example.com"}, {Contact: "a@example.com\nContact: b@example.com"},
		{Contact: "a@example.com", Policy: "javascript:x"}, {Contact: "a@example.com", Policy: "https://example.com/\nX: y"},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// TestVisitorsReadWhatIsPromised looks at the page of the report: everybody reads what is
// promised, and only who may use the server what it makes of it.
func TestVisitorsReadWhatIsPromised(t *testing.T) {
	t.Parallel()
	const live = "private addresses can be reached"
	for _, c := range []struct {
		env   string
		known bool
	}{{"USHER_AUTH_MODE=auto", true}, {"PREFECT_SERVER_API_AUTH_STRING=admin:secret", false}, {"USHER_AUTH_MODE=full", false}} {
		s := testkit.UsherServerIn(t, t.TempDir(), c.env)
		text := get(t, s.URL+"/security", http.StatusOK)
		if strings.Contains(text, live) != c.known {
			t.Errorf("%s: what the server makes of it is told: %t", c.env, !c.known)
		}
		if n := strings.Count(text, "<tr id="); n != 55 || !strings.Contains(text, "Each block is sealed with a key of its workspace") || !strings.Contains(text, "not proven") {
			t.Errorf("%s: %d rows: %s", c.env, n, text)
		}
	}
}

func get(t *testing.T, url string, status int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s: %s %s %v", url, res.Status, body, err)
	}
	return string(body)
}

package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/testkit"
)

// TestWhoIsInvitedGetsAMail is the way of a person who is invited: a mail under TLS, signing
// in with its address, and being a member then.
func TestWhoIsInvitedGetsAMail(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	owner := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+s.key)}
	member := "0acce550-0000-4000-8000-000000000003"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/accounts/"+s.account+"/invitations/", strings.NewReader(`[{"email":"bob@example.com","account_role_id":"`+member+`"}]`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("%v %v", res, err)
	}
	defer res.Body.Close()
	invitation := s.mail.Await(t, "bob@example.com", 1)
	if !invitation.WithTLS || invitation.Link() != s.URL+"/auth/login" || !strings.Contains(invitation.Text, "invite_code=inv_") || !strings.Contains(invitation.Text, "acme") {
		t.Errorf("the invitation: TLS %v\n%s", invitation.WithTLS, invitation.Text)
	}
	b := testkit.StartBrowser(t, 1000, false)
	b.Open(invitation.Link())
	b.Type("E-mail address", "bob@example.com")
	b.Press("Send")
	b.See("a message is on its way")
	b.Open(s.mail.Await(t, "bob@example.com", 2).Link())
	b.Press("Sign in")
	b.See("Where you are signed in")
	if got := owner.usher("member", "ls"); !strings.Contains(got, "bob@example.com") {
		t.Errorf("the members are\n%s", got)
	}
	if strings.Contains(s.Log(), "inv_") {
		t.Error("the code is in the log")
	}
}

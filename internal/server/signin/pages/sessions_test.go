package pages_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func (b *browser) as(token, method, path, body string) *shown {
	b.t.Helper()
	r := b.request(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return b.do(r)
}

func (g *shown) list() (list []map[string]any) {
	g.t.Helper()
	if err := json.Unmarshal([]byte(g.body), &list); err != nil {
		g.t.Fatalf("%d %s: %v", g.status, g.body, err)
	}
	return list
}

// TestSessionsThroughTheAPI: listed, chosen, ended; each sees only their own.
func TestSessionsThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	access, _ := s.loggedIn() // a browser and a command line
	b := s.browser()
	sessions := b.as(access, "GET", "/api/me/sessions", "").want(http.StatusOK).list()
	if len(sessions) != 2 {
		t.Fatal(sessions)
	}
	for _, field := range []string{"id", "created", "updated", "user_id", "ip_address", "user_agent", "expires_at"} {
		if sessions[0][field] == nil {
			t.Errorf("no %s in %v", field, sessions[0])
		}
	}
	if sessions[0]["user_id"] != s.owner.UserID.String() || sessions[0]["ip_address"] != "127.0.0.1" || sessions[0]["restricted"] != false {
		t.Error(sessions[0])
	}
	for body, want := range map[string]int{
		`{}`: 2, `{"limit":1}`: 1, `{"offset":1}`: 1, `{"offset":9}`: 0, `{"filter":{"ip_address":{"any_":["127.0.0.1"]}}}`: 2, `{"filter":{"ip_address":{"like_":"10."}}}`: 0,
		`{"filter":{"expires_at":{"before_":1}}}`: 0, `{"filter":{"restricted":{"is_restricted_":true}}}`: 0,
	} {
		if got := b.as(access, "POST", "/api/me/sessions/filter", body).want(http.StatusOK).list(); len(got) != want {
			t.Errorf("%s: %d", body, len(got))
		}
	}
	b.as(access, "POST", "/api/me/sessions/filter", `{"unknown":1}`).want(http.StatusUnprocessableEntity)
	b.as(access, "POST", "/api/me/sessions/filter", `{"limit":201}`).want(http.StatusUnprocessableEntity)
	b.as("", "GET", "/api/me/sessions", "").want(http.StatusUnauthorized)
	b.as(access, "POST", "/api/me/sessions/00000000-0000-0000-0000-000000000001/terminate", "").want(http.StatusNotFound)
	b.as(access, "POST", "/api/me/sessions/x/terminate", "").want(http.StatusNotFound)
	for _, one := range sessions {
		id, _ := one["id"].(string)
		b.as(s.owner.APIKey, "POST", "/api/me/sessions/"+id+"/terminate/", "").want(http.StatusOK)
	}
	b.as(access, "GET", "/api/me/sessions/", "").want(http.StatusUnauthorized)
	b.signIn(ada, "")
	b.get("/api/me/sessions").want(http.StatusOK)
	b.as("", "POST", "/api/me/sessions/filter", "{}").want(http.StatusForbidden) // with the cookie, from nowhere
}

package rest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store/storetest"
)

// identityPaths are the parts of paths that the contract of identity is at.
var identityPaths = []string{"/account_memberships", "/account_roles", "/workspace_roles", "/bots", "/teams", "/invitations", "/user_access", "/bot_access", "/team_access", "/users/", "/me/", "/settings", "/domains", "/sso/validate", "/rate-limit-allocations", "/workspaces/filter", "/workspaces/"}

// wrongValues are values of which each is wrong for some member, as JSON.
var wrongValues = []string{`5`, `"text"`, `null`, `[]`, `{}`, `[5]`, `["text"]`, `-1`, `100000000`, `"` + strings.Repeat("x", 5001) + `"`, `{"nobody_knows":1}`, `{"any_":5}`, `{"any_":[{}]}`}

// isAsked matches the operations whose members are parameters: null is as good as none.
var isAsked = regexp.MustCompile(`/(filter|count|rate-limit-allocations/)$`)

// TestBodiesOfIdentityAreChecked sends each member of each body of identity's operations with
// values of all kinds: what the contract's schema refuses is refused with 422 at its place, and
// what is asked for in parameters may be null, and a time a number, as the reference takes them.
func TestBodiesOfIdentityAreChecked(t *testing.T) {
	t.Parallel()
	w, account, _ := hub(t, storetest.SQLiteURL(t))
	owner := w.first.APIKey
	known := map[string]string{"users": w.first.UserID.String()}
	for noun, body := range map[string]string{
		"workspace_roles": `{"name":"r","scopes":[]}`, "account_roles": `{"name":"ar","permissions":[]}`, "teams": `{"name":"t"}`, "bots": `{"name":"b"}`,
	} {
		known[noun] = pick(t, w.as(owner, "POST "+account+"/"+noun+"/", body, http.StatusCreated), "id")
	}
	known["account_memberships"] = pick(t, w.as(owner, "GET "+account+"/account_memberships/by-bot/"+known["bots"], "", http.StatusOK), "id")
	known["invitations"] = pick(t, w.as(owner, "POST "+account+"/invitations/", `[{"email":"x@example.com","account_role_id":"`+access.MemberID.String()+`"}]`, http.StatusCreated), "0.id")
	d, sent, refused := readHosted(t), 0, 0
	for path, methods := range d.Paths {
		inside, isInside := strings.CutPrefix(path, "/api/accounts/{account_id}/workspaces/{workspace_id}")
		wanted := false
		for _, part := range identityPaths {
			wanted = wanted || strings.Contains(path, part) && (!isInside || part != "/workspaces/" && part != "/workspaces/filter" && strings.HasPrefix(inside, part)) && !strings.Contains(path, "/billing/")
		}
		if !wanted || strings.HasPrefix(path, "/api/me/sessions") { // served by the pages of sign-in
			continue
		}
		for method, o := range methods {
			properties := d.properties(t, o)
			segments := strings.Split(strings.TrimPrefix(path, "/api"), "/")
			for i, s := range segments {
				switch {
				case s == "{account_id}":
					segments[i] = w.first.AccountID.String()
				case s == "{workspace_id}":
					segments[i] = w.first.WorkspaceID.String()
				case strings.HasPrefix(s, "{") && known[segments[i-1]] != "":
					segments[i] = known[segments[i-1]]
				case strings.HasPrefix(s, "{"):
					segments[i] = uuid.NewString()
				}
			}
			at := w.url + strings.Join(segments, "/")
			for name := range properties {
				for _, value := range wrongValues {
					body := `{"` + name + `":` + value + `}`
					isWrong := false
					for _, problem := range d.problems(t, o.Body.schema(), body) {
						isWrong = isWrong || strings.HasPrefix(problem, "["+name)
					}
					isMoment := strings.Contains(string(properties[name]), `"date-time"`) && !strings.ContainsAny(value, `"{[n`)
					if !isWrong || isMoment || value == "null" && isAsked.MatchString(path) {
						continue
					}
					sent++
					status, text, _ := call(t, strings.ToUpper(method), at, body, bearer(owner)...)
					if status != http.StatusUnprocessableEntity || !strings.Contains(text, `"loc":["body","`+name+`"`) {
						t.Errorf("%s %s %.80s: %d %.200s", strings.ToUpper(method), path, body, status, text)
						continue
					}
					refused++
				}
			}
		}
	}
	if sent < 500 {
		t.Errorf("only %d bodies were wrong", sent)
	}
	t.Logf("%d of %d ill-formed bodies were refused at their place", refused, sent)
}

// properties are the members that the body of an operation may have, if it is an object.
func (d *hostedDocument) properties(t *testing.T, o hostedOperation) map[string]jsontext.Value {
	t.Helper()
	var schema struct {
		Ref        string                    `json:"$ref"`
		Properties map[string]jsontext.Value `json:"properties"`
	}
	if len(o.Body.schema()) == 0 {
		return nil
	}
	if err := json.Unmarshal(o.Body.schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Ref != "" {
		schema.Properties = d.Components.Schemas[strings.TrimPrefix(schema.Ref, "#/components/schemas/")].Properties
	}
	return schema.Properties
}

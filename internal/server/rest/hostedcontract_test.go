package rest_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/jsonschema"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/store/storetest"
)

// hostedDocument is the hosted service's contract.
type hostedDocument struct {
	Paths      map[string]map[string]hostedOperation `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Additional jsontext.Value            `json:"additionalProperties"`
			Properties map[string]jsontext.Value `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`

	components any // as the validator reads them
}

type hostedOperation struct {
	Tags       []string `json:"tags"`
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
	} `json:"parameters"`
	Body      hostedContent            `json:"requestBody"`
	Responses map[string]hostedContent `json:"responses"`
}

type hostedContent struct {
	Content map[string]struct {
		Schema jsontext.Value `json:"schema"`
	} `json:"content"`
}

func (c hostedContent) schema() jsontext.Value { return c.Content["application/json"].Schema }

func readHosted(t *testing.T) *hostedDocument {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/api/cloud-openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d hostedDocument
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	tree, err := jsonschema.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	d.components, _ = tree.(*jsonschema.Object).Get("components")
	return &d
}

// problems says what in an answer breaks the schema that the contract has for it.
func (d *hostedDocument) problems(t *testing.T, schema jsontext.Value, body string) []string {
	t.Helper()
	want, err := jsonschema.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jsonschema.Parse(jsontext.Value(body))
	if err != nil {
		return []string{"it is no JSON: " + err.Error()}
	}
	root := jsonschema.NewObject()
	root.Set("allOf", []any{want})
	root.Set("components", d.components)
	found, err := (&jsonschema.Schema{Root: root}).Errors(got)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range found {
		texts = append(texts, fmt.Sprint(e.Path, ": ", e.Message))
	}
	return texts
}

// refusesMore says that the body of an operation may have only members that are known.
func (d *hostedDocument) refusesMore(o hostedOperation) bool {
	var ref struct {
		Ref string `json:"$ref"`
	}
	if schema := o.Body.schema(); len(schema) == 0 || json.Unmarshal(schema, &ref) != nil {
		return false
	}
	return string(d.Components.Schemas[strings.TrimPrefix(ref.Ref, "#/components/schemas/")].Additional) == "false"
}

var inBraces = regexp.MustCompile(`\{[^}]*\}`)

func unnamed(path string) string {
	return strings.TrimSuffix(inBraces.ReplaceAllString(strings.TrimPrefix(path, "/api"), "{}"), "/")
}

const hostedWorkspace = "/accounts/{}/workspaces/{}"

// TestHostedContract goes through every operation of the hosted service's contract: it has a
// route; whoever may not do it is refused, what is not there is not found, members that nobody
// knows are refused; and an answer has the documented status and shape.
func TestHostedContract(t *testing.T) {
	t.Parallel()
	w, account, _ := hub(t, storetest.SQLiteURL(t))
	owner := w.first.APIKey
	role := pick(t, w.as(owner, "POST "+account+"/workspace_roles/", `{"name":"nothing","scopes":[]}`, http.StatusCreated), "id")
	nobody := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, uuid.MustParse(role))
	ids := w.fill(w.main(), owner)
	places := map[string]string{}
	for i, noun := range []string{
		"flows", "flow_runs", "task_runs", "deployments", "variables", "", "artifacts", "v2", "concurrency_limits", "saved_searches", "automations", "block_types", "block_schemas", "block_documents",
	} {
		places[noun] = ids[i]
	}
	served := map[string]bool{}
	for _, op := range rest.Permissions() {
		served[op.Method+" "+unnamed(op.Path)], served[op.Method+" "+hostedWorkspace+unnamed(op.Path)] = true, true
	}
	byAccount := map[string]bool{} // what a permission in the account allows, whatever one is in the workspace
	for _, row := range rest.Governed() {
		method, path, _ := strings.Cut(row[0], " ")
		served[method+" "+unnamed(path)], byAccount[method+" "+unnamed(path)] = true, row[2] == ""
	}
	for _, do := range []string{"GET /me/sessions", "POST /me/sessions/filter", "POST /me/sessions/{}/terminate"} {
		served[do] = true // by the pages of sign-in, whose tests ask for them
	}
	d := readHosted(t)
	missing, checked, refused, absent, strict := 0, 0, 0, 0, 0
	for path, methods := range d.Paths {
		for method, o := range methods {
			method = strings.ToUpper(method)
			do := method + " " + unnamed(path)
			if !served[do] {
				missing++
				t.Errorf("%s %v has no route", do, o.Tags)
				continue
			}
			inside, isInside := strings.CutPrefix(strings.TrimPrefix(path, "/api"), "/accounts/{account_id}/workspaces/{workspace_id}")
			at := func(id string) string {
				text := strings.NewReplacer("{account_id}", w.first.AccountID.String(), "{workspace_id}", w.first.WorkspaceID.String()).Replace(strings.TrimPrefix(path, "/api"))
				return inBraces.ReplaceAllString(text, id) + required(o)
			}
			noun, _, _ := strings.Cut(strings.TrimPrefix(inside, "/"), "/")
			known := canary
			switch {
			case strings.Contains(inside, "name}") && !strings.Contains(inside, "id}"), strings.Contains(inside, "{slug}"), strings.Contains(inside, "{tag}"):
			case places[noun] != "":
				known = places[noun]
			default:
				known = uuid.NewString()
			}
			isAsking := method == http.MethodGet || method == http.MethodPost && asks.MatchString(path)
			if isInside && inside != "" && !public[inside] && !byAccount[do] {
				if status, body, _ := call(t, method, w.url+at(uuid.NewString()), "{}", bearer(nobody)...); status != http.StatusForbidden {
					t.Errorf("%s by nobody: %d %s", do, status, body)
				}
				refused++
			}
			if (method == http.MethodGet || method == http.MethodDelete) && isInside && strings.Contains(inside, "id}") && !strings.Contains(path, "/automations/related-to/") && !strings.Contains(path, "/automations/owned-by/") && !strings.HasSuffix(path, "/spans") { // lists that may be empty
				if status, body, _ := call(t, method, w.url+at(uuid.NewString()), "", bearer(owner)...); status != http.StatusNotFound {
					t.Errorf("%s of what is not there: %d %s", do, status, body)
				}
				absent++
			}
			if isInside && d.refusesMore(o) && known != "" && method != http.MethodGet {
				if status, body, _ := call(t, method, w.url+at(known), `{"nobody_knows":1}`, bearer(owner)...); status != http.StatusUnprocessableEntity && (places[noun] != "" || status != http.StatusNotFound) {
					t.Errorf("%s with a member that nobody knows: %d %s", do, status, body)
				}
				strict++
			}
			if !isAsking || !strings.HasPrefix(path, "/api/accounts/{account_id}") {
				continue
			}
			status, body, _ := call(t, method, w.url+at(known), map[bool]string{true: "{}"}[method == http.MethodPost], bearer(owner)...)
			want, documented := o.Responses[fmt.Sprint(status)]
			switch {
			case status == http.StatusNotFound && body != `{"detail":"Not Found"}`, status == http.StatusUnprocessableEntity:
			case status == http.StatusForbidden && strings.HasSuffix(path, "/next"): // of no page
			case !documented:
				t.Errorf("%s: %d %s", do, status, body)
			case len(want.schema()) > 0 && string(want.schema()) != "{}":
				checked++
				for _, problem := range d.problems(t, want.schema(), body) {
					if !leftOut.MatchString(problem) {
						t.Errorf("%s: %s", do, problem)
					}
				}
			}
		}
	}
	t.Logf("%d operations have no route; %d answers were compared with their schemas, %d refused to nobody, %d about what is not there, %d with a strange member", missing, checked, refused, absent, strict)
}

// leftOut matches the members that the hosted service's contract requires and answers of the
// self-hosted contract do not have: clients of both read them without.
var leftOut = regexp.MustCompile(`'(account|workspace|dynamic_key)' is a required property`)

// asks matches the paths of operations that only look although they are posted to.
var asks = regexp.MustCompile(`/(filter|count|paginate|history|filter-minimal|history-v2|lateness)$`)

// public are the paths inside of a workspace that need no scope.
var public = map[string]bool{"/health": true, "/hello": true, "/csrf-token": true, "/ready": true}

// required is the query that an operation can't do without.
func required(o hostedOperation) string {
	var query []string
	for _, p := range o.Parameters {
		if p.In != "query" || !p.Required {
			continue
		}
		value := canary
		if p.Name == "since" || p.Name == "until" {
			value = "2026-01-01T00:00:00Z"
		}
		query = append(query, p.Name+"="+value)
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + strings.Join(query, "&")
}

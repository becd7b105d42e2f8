package rest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/acceptance/contract"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// hostedContract is the contract of the hosted service.
var hostedContract = sync.OnceValues(func() (*contract.Document, error) { return contract.Read("../../../docs/api/cloud-openapi.json") })

const inWorkspace = "/api/accounts/{account_id}/workspaces/{workspace_id}"

// space is a workspace of a town, as one of its members sees it.
type space struct {
	t    testing.TB
	root string
	key  string
	id   uuid.UUID
}

// owner is a member of a workspace of acme who may do everything in it.
func (w *town) owner(of uuid.UUID) space { return w.actor(of, access.WorkspaceOwnerID) }

// actor is a member of a workspace of acme with a role.
func (w *town) actor(of, role uuid.UUID) space {
	return space{w.t, w.in(w.first.AccountID, of), w.member(w.first.AccountID, access.MemberID, of, role), of}
}

// hosted runs a test with a server with accounts on each database.
func hosted(t *testing.T, test func(t *testing.T, w *town)) {
	t.Helper()
	storetest.RunURL(t, func(t *testing.T, database string) { test(t, newTown(t, database)) })
}

// ask sends a request, whose answer has to have a status and the shape that the
// hosted service's contract gives it.
func (s space) ask(status int, do, body string) jsontext.Value {
	s.t.Helper()
	method, path, _ := strings.Cut(do, " ")
	t, isTest := s.t.(*testing.T)
	if !isTest {
		s.t.Fatal("ask is for tests")
	}
	got, text, _ := call(t, method, s.root+path, body, bearer(s.key)...)
	if got != status {
		s.t.Fatalf("%s %s: %d %s, not %d", do, body, got, text, status)
	}
	doc, err := hostedContract()
	if err != nil {
		s.t.Fatal(err)
	}
	op := operationOf(doc, method, path)
	if op == "" {
		s.t.Fatalf("%s is not in the contract", do)
	}
	if wrong, err := doc.Check(contract.Exchange{Operation: op, Status: got, Raw: []byte(text)}); wrong != "" || err != nil {
		s.t.Errorf("%s %s: %d %s: %s %v", do, body, got, text, wrong, err)
	}
	return jsontext.Value(text)
}

// into is ask with the answer read into something.
func (s space) into(v any, status int, do, body string) {
	s.t.Helper()
	text := s.ask(status, do, body)
	if err := json.Unmarshal(text, v); err != nil {
		s.t.Fatalf("%s: %v in %s", do, err, text)
	}
}

// operationOf finds the operation that serves a path; literal parts go before parameters.
func operationOf(doc *contract.Document, method, path string) (best string) {
	path, _, _ = strings.Cut(path, "?")
	parts, fewest := strings.Split(path, "/"), 100
	for _, op := range doc.Operations {
		inside, ok := strings.CutPrefix(op.Path, inWorkspace)
		want := strings.Split(inside, "/")
		if !ok || op.Method != method || len(want) != len(parts) {
			continue
		}
		parameters := 0
		for i, part := range want {
			if strings.HasPrefix(part, "{") {
				parameters++
			} else if part != parts[i] {
				parameters = 100
			}
		}
		if parameters < fewest {
			best, fewest = op.String(), parameters
		}
	}
	return best
}

// send sends events as clients do.
func (s space) send(events ...map[string]any) {
	s.t.Helper()
	for _, e := range events {
		if e["id"] == nil {
			e["id"] = uuid.NewString()
		}
		if e["related"] == nil {
			e["related"] = []any{}
		}
	}
	text, err := json.Marshal(events)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ask(http.StatusNoContent, "POST /events", string(text))
}

// denied is a member of no role that a hosted operation asks for.
func (w *town) denied(of uuid.UUID) space {
	w.t.Helper()
	role := uuid.New()
	w.change(func(tx *store.Tx) error {
		now := w.id.Now()
		return tx.InsertWorkspaceRole(&store.WorkspaceRole{AccountID: w.first.AccountID, ID: role, Created: now, Updated: now, Name: role.String(), Scopes: []string{"see_workspace_settings"}})
	})
	return w.actor(of, role)
}

package rest_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/store/storetest"
)

// checked is a request with a key, and what its check is: who sends it, and whether they
// may do in the workspace what they want to.
func checked(tb testing.TB) (check func() error) {
	tb.Helper()
	db := storetest.Open(tb, storetest.SQLiteURL(tb))
	id := identity.New(db, time.Now, slog.New(slog.DiscardHandler))
	first, err := id.Bootstrap(tb.Context(), "ada@example.com", "acme", "main")
	if err != nil {
		tb.Fatal(err)
	}
	a := &rest.API{Core: &core.Core{Store: db, Clock: time.Now}, Identity: id}
	r := httptest.NewRequest(http.MethodGet, "/api/flow_runs/x", nil)
	r.Header.Set("Authorization", "Bearer "+first.APIKey)
	needs, _ := access.ScopesOf("see_flows")
	return func() error { return a.Check(r, first.AccountID, first.WorkspaceID, needs) }
}

// BenchmarkPermission is what a request pays to be let in; its bar is 50 µs.
func BenchmarkPermission(b *testing.B) {
	check := checked(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := check(); err != nil {
			b.Fatal(err)
		}
	}
}

// A request whose sender is known reads nothing from the database, which would allocate.
func TestLettingInAllocatesLittle(t *testing.T) { //nolint:paralleltest // counts what is allocated meanwhile
	check := checked(t)
	if err := check(); err != nil {
		t.Fatal(err)
	}
	const most = 5
	if n := testing.AllocsPerRun(100, func() { _ = check() }); n > most {
		t.Errorf("%v allocations, at most %d are needed", n, most)
	}
}

// Package storetest runs test cases on both databases, a real SQLite file and a real
// PostgreSQL server, and checks the plans of queries. Only tests may import it.
package storetest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/testkit"
)

// Run runs the case as two parallel subtests, sqlite and postgres, each with an empty,
// migrated database of its own.
func Run(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, SQLiteURL(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, testkit.PostgresCopy(t, "migrated", migrate)))
	})
}

func migrate(url string) error {
	s, err := store.Open(context.Background(), store.Config{URL: url})
	if err != nil {
		return err
	}
	return s.Close()
}

// RunURL is Run for cases that open the database themselves: it does not exist yet, or
// is empty.
func RunURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLiteURL(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, testkit.PostgresURL(t))
	})
}

// SQLiteURL names a database file that does not exist yet.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "usher.db")
}

// Open opens a database for the rest of the test.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Write runs fn in a writing transaction of the default workspace; it must succeed.
func Write(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), store.DefaultWorkspace, fn); err != nil {
		t.Fatal(err)
	}
}

// Read runs fn in a reading transaction of the default workspace; it must succeed.
func Read(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Read(t.Context(), store.DefaultWorkspace, fn); err != nil {
		t.Fatal(err)
	}
}

// Across runs fn in a writing transaction that sees what servers look up across workspaces; it
// must succeed.
func Across(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.WriteAcross(t.Context(), store.DefaultWorkspace, fn); err != nil {
		t.Fatal(err)
	}
}

// Plan is how the database would execute a query. PostgreSQL is kept from scanning and
// sorting, which it likes to do while tables are small.
func Plan(t testing.TB, s *store.Store, sql string, args ...any) string {
	t.Helper()
	var steps []string
	Read(t, s, func(tx *store.Tx) error {
		if tx.D().Name() == "postgres" {
			if _, err := tx.Exec("select set_config(name, 'off', true) from pg_settings where name in ('enable_seqscan', 'enable_bitmapscan', 'enable_sort')"); err != nil {
				return err
			}
		}
		return tx.Query(tx.D().Explain(sql), args, func(row *store.Row) error {
			dest := make([]any, row.Len())
			step := ""
			dest[len(dest)-1] = &step
			err := row.Scan(dest...)
			steps = append(steps, step)
			return err
		})
	})
	return strings.Join(steps, "\n")
}

// UsesIndex fails the test unless the query reads its rows through the index, which must
// give the order of an "order by" too. PostgreSQL chooses by statistics that an empty
// table does not have: there it only must neither scan a table nor sort.
func UsesIndex(t testing.TB, s *store.Store, index, sql string, args ...any) {
	t.Helper()
	plan := Plan(t, s, sql, args...)
	if s.Dialect().Name() == "sqlite" && !strings.Contains(plan, index+" ") {
		t.Errorf("the plan does not use %s:\n%s\n%s", index, plan, sql)
	}
	for _, slow := range []string{"USE TEMP B-TREE FOR ORDER BY", "Sort Key", "Seq Scan"} {
		if strings.Contains(plan, slow) {
			t.Errorf("the plan has a %s:\n%s\n%s", slow, plan, sql)
		}
	}
}

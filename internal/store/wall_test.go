package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/migrations"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// Each table with a workspace has the policy, which binds its owner too; those that
// ReadAcross opens, and no others, have a way around it.
func TestEveryTableOfWorkspacesHasAWall(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, testkit.PostgresURL(t))
	const own, open = "(workspace_id = (NULLIF(current_setting('usher.workspace'::text, true), ''::text))::uuid)",
		" OR (( SELECT current_setting('usher.across'::text, true) AS current_setting) = 'on'::text)"
	walls := make(map[string]string)
	storetest.Read(t, s, func(tx *store.Tx) error {
		return tx.Query(`
select c.relname::text, p.qual
from pg_policies p
join pg_class c on c.relname = p.tablename
where p.schemaname = 'public'
and p.cmd = 'ALL'
and p.permissive = 'PERMISSIVE'
and p.with_check is null
and c.relrowsecurity
and c.relforcerowsecurity`, nil, func(row *store.Row) error {
			var table, qual string
			err := row.Scan(&table, &qual)
			if walls[table] != "" {
				t.Errorf("%s has two policies", table)
			}
			walls[table] = qual
			return err
		})
	})
	for table, columns := range columnsOf(t, s) {
		want := ""
		switch {
		case slices.Contains(store.AcrossWorkspaces, table):
			want = "(" + own + open + ")"
		case slices.Contains(columns, "workspace_id"):
			want = own
		}
		if walls[table] != want {
			t.Errorf("%s: the policy is %q, want %q (a step that makes a table of workspaces gives it one, as 0142 does)", table, walls[table], want)
		}
	}
}

// What a statement forgets to say, the database adds: nothing of another workspace is seen,
// changed, removed or made.
func TestTheWallHoldsBehindBrokenStatements(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	s := storetest.Open(t, url)
	ours, theirs := uuid.New(), uuid.New()
	for _, workspace := range []uuid.UUID{ours, theirs} {
		err := s.Write(t.Context(), workspace, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "of "+workspace.String()) })
		if err != nil {
			t.Fatal(err)
		}
	}
	insert := "insert into flow (workspace_id, id, created, updated, name, tags, labels) values ('" + theirs.String() + "', gen_random_uuid(), 1, 1, 'smuggled', '[]', '{}')"

	t.Run("in the store", func(t *testing.T) {
		err := s.Write(t.Context(), ours, func(tx *store.Tx) error {
			names := namesOf(t, tx, "select name from flow")
			if len(names) != 1 || names[0] != "of "+ours.String() {
				t.Errorf("a query without its workspace sees %q", names)
			}
			if names := namesOf(t, tx, "select name from flow where workspace_id = '"+theirs.String()+"'"); len(names) > 0 {
				t.Errorf("a query for another workspace sees %q", names)
			}
			for _, sql := range []string{"update flow set name = 'taken' where workspace_id <> '" + ours.String() + "'", "delete from flow where workspace_id <> '" + ours.String() + "'"} {
				if n, err := tx.Exec(sql); err != nil || n != 0 {
					t.Errorf("%s: %d rows, %v", sql, n, err)
				}
			}
			for _, sql := range []string{insert, "update flow set workspace_id = '" + theirs.String() + "'"} {
				if err := tx.Try(func() error { _, err := tx.Exec(sql); return err }); err == nil || !strings.Contains(err.Error(), "row-level security") {
					t.Errorf("%s: %v", sql, err)
				}
			}
			err := tx.In(theirs, func(in *store.Tx) error {
				if names := namesOf(t, in, "select name from flow"); len(names) != 1 || names[0] != "of "+theirs.String() {
					t.Errorf("inside of the other one there is %q", names)
				}
				return nil
			})
			if names := namesOf(t, tx, "select name from flow"); len(names) != 1 || names[0] != "of "+ours.String() {
				t.Errorf("after that there is %q", names)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		err = s.ReadAcross(t.Context(), ours, func(tx *store.Tx) error {
			if names := namesOf(t, tx, "select name from flow"); len(names) != 1 {
				t.Errorf("who looks across sees %q", names)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})

	t.Run("around the store", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test is over
		count := func(want int) {
			t.Helper()
			got := 0
			if err := conn.QueryRow(t.Context(), "select count(*) from flow").Scan(&got); err != nil || got != want {
				t.Errorf("%d rows, %v; want %d", got, err, want)
			}
		}
		count(0)
		if _, err := conn.Exec(t.Context(), insert); err == nil {
			t.Error("who names no workspace can write")
		}
		for setting, want := range map[string]int{ours.String(): 1, uuid.NewString(): 0, "": 0} {
			if _, err := conn.Exec(t.Context(), "select set_config('usher.workspace', $1, false), set_config('usher.across', 'on', false)", setting); err != nil {
				t.Fatal(err)
			}
			count(want)
		}
	})
}

func namesOf(t *testing.T, tx *store.Tx, sql string) (names []string) {
	t.Helper()
	err := tx.Query(sql, nil, func(row *store.Row) error {
		name := ""
		err := row.Scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

func TestWhoIsNotBoundByTheWall(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		gap, err := s.Wall(t.Context())
		if err != nil || (gap == "") != (s.Dialect().Name() == "postgres") {
			t.Errorf("%q, %v", gap, err)
		}
	})
	s, err := store.OpenSchema(t.Context(), store.Config{URL: testkit.PostgresServer(t)})
	if err != nil {
		t.Fatal(err)
	}
	gap, err := store.StoreOf(s).Wall(t.Context())
	if err = errors.Join(err, s.Close()); err != nil || !strings.Contains(gap, "superuser") {
		t.Errorf("a superuser: %q, %v", gap, err)
	}
}

// Migrations are in no workspace: what a step writes into tables of workspaces after the
// wall is there reaches no row unless it enters each.
func TestStepsThatFillTablesGoThroughTheWall(t *testing.T) {
	t.Parallel()
	steps, err := migrations.For("postgres")
	if err != nil {
		t.Fatal(err)
	}
	walled := false
	for _, step := range steps {
		if walled && step.Writes(store.AboveWorkspaces) && !strings.Contains(step.SQL, "usher.workspace") {
			t.Errorf("%04d_%s writes rows of workspaces and enters none (set_config('usher.workspace', …))", step.Version, step.Name)
		}
		walled = walled || step.Name == "row_level_security"
	}
	if !walled || !(migrations.Migration{SQL: "update flow set name = 'x';"}).Writes(nil) || (migrations.Migration{SQL: "insert into account (id)\nvalues (1);"}).Writes([]string{"account"}) {
		t.Error("the test does not see what steps write")
	}
}

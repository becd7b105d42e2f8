package store_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/migrations"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestOpeningAgainChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		first, err := store.Open(t.Context(), store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		storetest.Write(t, first, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "kept") })
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := store.Open(t.Context(), store.Config{URL: url, SkipMigrations: true})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close() //nolint:errcheck // it was only read
		if names := flowNames(t, again); len(names) != 1 {
			t.Errorf("flows: %q", names)
		}
	})
}

func TestReplicasThatStartTogether(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				s, err := store.Open(t.Context(), store.Config{URL: url})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}

func TestASchemaThatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ change, message string }{
		"newer":   {"insert into schema_migration (version, name, checksum, needs) values (9999, 'future', 'x', 9998)", "newer usher"},
		"altered": {"update schema_migration set checksum = 'x' where version = 1", "is not ours"},
		"another": {"drop table schema_migration", "belongs to another program"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunURL(t, func(t *testing.T, url string) {
				s := storetest.Open(t, url)
				storetest.Write(t, s, func(tx *store.Tx) error {
					_, err := tx.Exec(c.change)
					return err
				})
				_, err := store.Open(t.Context(), store.Config{URL: url})
				if api.CodeOf(err) != api.CodeConflict || !strings.Contains(err.Error(), c.message) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestTheReferencesDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		for _, change := range []string{"drop table schema_migration", "create table alembic_version (version_num text)"} {
			storetest.Write(t, s, func(tx *store.Tx) error {
				_, err := tx.Exec(change)
				return err
			})
		}
		_, err := store.Open(t.Context(), store.Config{URL: url})
		if api.CodeOf(err) != api.CodeConflict || !strings.Contains(err.Error(), "belongs to a Prefect server") {
			t.Errorf("got %v", err)
		}
	})
}

func TestSkippedMigrations(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		_, err := store.Open(t.Context(), store.Config{URL: url, SkipMigrations: true})
		if api.CodeOf(err) != api.CodeUnavailable || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		good := migrations.Migration{Version: 1000, Name: "good", SQL: "create table half (x integer);\n"}
		bad := migrations.Migration{Version: 1001, Name: "bad", SQL: "create table done (x integer);\ninsert into nowhere values (1);\n"}
		if err := s.MigrateWith(t.Context(), good, bad); err == nil || !strings.Contains(err.Error(), "1001_bad") {
			t.Errorf("got %v", err)
		}
		for _, table := range []string{"half", "done"} {
			err := s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
				return tx.QueryRow("select count(*) from "+table, nil, new(int))
			})
			if err == nil {
				t.Errorf("table %s is there", table)
			}
		}
		if err := s.MigrateWith(t.Context(), good); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestAMigrationOfALowerNumberMayComeLater(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		low := migrations.Migration{Version: 1000, Name: "low", SQL: "create table low (x integer);\n"}
		high := migrations.Migration{Version: 1001, Name: "high", SQL: "create table high (x integer);\n"}
		for _, known := range [][]migrations.Migration{{high}, {low, high}, {low, high}} {
			if err := s.MigrateWith(t.Context(), known...); err != nil {
				t.Fatal(err)
			}
		}
		storetest.Read(t, s, func(tx *store.Tx) error { return tx.QueryRow("select count(*) from low", nil, new(int)) })
	})
}

func TestBothDialectsHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	sqlite, err := migrations.For("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := migrations.For("postgres")
	if err != nil {
		t.Fatal(err)
	}
	if len(sqlite) != len(postgres) {
		t.Fatalf("%d and %d", len(sqlite), len(postgres))
	}
	for i := range sqlite {
		if sqlite[i].Name != postgres[i].Name {
			t.Errorf("%s and %s", sqlite[i].Name, postgres[i].Name)
		}
	}
}

// What is released works on a database that a newer release has migrated.
func TestStepsLeaveThePreviousReleaseWorking(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		steps, err := migrations.For(database)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			if broken := step.Breaks(); broken != "" {
				t.Error(broken)
			}
			if held := step.Holds(); held != "" && step.Version > 124 { // those before were made in a transaction
				t.Error(held)
			}
		}
	}
	broken := []string{"alter table flow drop column name;", "drop table flow;", "alter table flow rename to flows;", "alter table flow alter column tags set not null;"}
	for _, sql := range broken {
		if (migrations.Migration{Name: "bad", SQL: sql}).Breaks() == "" {
			t.Errorf("%s breaks nothing", sql)
		}
		if b := (migrations.Migration{Name: "good", SQL: "-- Needs 0010.\n" + sql}).Breaks(); b != "" {
			t.Error(b)
		}
	}
}

// The columns that a program of the first release writes are all there, and it need not
// write any other.
func TestTheFirstReleaseCanWriteToTheNewestSchema(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		schema, err := store.OpenSchema(t.Context(), store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := schema.Upgrade(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		first := store.StoreOf(schema)
		old := columnsOf(t, first)
		storetest.Write(t, first, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "first") })
		if err := schema.Close(); err != nil {
			t.Fatal(err)
		}
		s := storetest.Open(t, url)
		now := columnsOf(t, s)
		for table, columns := range old {
			for _, column := range columns {
				if !slices.Contains(now[table], column) {
					t.Errorf("%s.%s is gone", table, column)
				}
			}
			for _, column := range now[table] {
				if !slices.Contains(columns, column) && mustBeGiven(t, s, table, column) {
					t.Errorf("%s.%s is new and has to be written", table, column)
				}
			}
		}
		storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "second") })
		if names := flowNames(t, s); len(names) != 2 {
			t.Errorf("the flows are %q", names)
		}
	})
}

// mustBeGiven says whether a row can't be added without a value for the column.
func mustBeGiven(t *testing.T, s *store.Store, table, column string) (must bool) {
	t.Helper()
	sql := "select count(*)\nfrom pragma_table_info(?)\nwhere name = ?\nand \"notnull\" and dflt_value is null"
	if s.Dialect().Name() == "postgres" {
		sql = "select count(*)\nfrom information_schema.columns\nwhere table_name = ?\nand column_name = ?\nand is_nullable = 'NO' and column_default is null"
	}
	n := 0
	storetest.Read(t, s, func(tx *store.Tx) error { return tx.QueryRow(sql, []any{table, column}, &n) })
	return n > 0
}

func TestANewerSchemaIsTakenIfItMayBe(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec("insert into schema_migration (version, name, checksum, needs) values (9999, 'future', 'x', 11)")
			return err
		})
		storetest.Open(t, url)
	})
}

func TestTheSchemaGoesForwardAndBack(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		schema, err := store.OpenSchema(ctx, store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer schema.Close() //nolint:errcheck // the test is over
		applied := func() (versions []int64) {
			steps, err := schema.Steps(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps {
				if step.Applied {
					versions = append(versions, step.Version)
				}
			}
			return versions
		}
		equal := func(what string, want ...int64) {
			t.Helper()
			if got := applied(); !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", what, got, want)
			}
		}
		do := func(_ []store.Step, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		equal("at first")
		do(schema.Upgrade(ctx, 10))
		equal("upgraded", 1, 10)
		do(schema.Downgrade(ctx, 1))
		equal("downgraded", 1)
		do(schema.Stamp(ctx, 10))
		equal("stamped", 1, 10)
		do(schema.Stamp(ctx, 1))
		do(schema.Upgrade(ctx, 21))
		do(schema.Downgrade(ctx, 1))
		do(schema.Upgrade(ctx, 22))
		all := applied()
		if _, err := schema.Downgrade(ctx, 1); api.CodeOf(err) != api.CodeConflict || !strings.Contains(err.Error(), "can't be taken back") {
			t.Fatalf("a dropped index comes back: %v", err)
		}
		equal("refused", all...)
		s := store.StoreOf(schema)
		storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "f") })
		for range 2 {
			if err := schema.Reset(ctx); err != nil {
				t.Fatal(err)
			}
			if names := flowNames(t, s); len(names) != 0 {
				t.Errorf("after a reset there is %q", names)
			}
			storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "again") })
		}
	})
}

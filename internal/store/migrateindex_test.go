package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/migrations"
	"github.com/usherhq/usher/internal/testkit"
)

// TestIndexesAreMadeWhileOthersWrite makes an index on a table that a transaction of the
// previous release is at work on: others go on writing to it. A server that dies over it
// leaves half an index, which the next one makes anew, whichever of two that is.
func TestIndexesAreMadeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), testkit.PostgresURL(t)
	open := func() *store.Store {
		s, err := store.Open(ctx, store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
		return s
	}
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) }) //nolint:errcheck // the test is over
		return conn
	}
	s, other, watcher := open(), open(), connect()
	table := migrations.Migration{Version: 2000, Name: "table", SQL: "create table big (x integer);\ninsert into big select generate_series(1, 1000);\n"}
	index := migrations.Migration{Version: 2001, Name: "index", SQL: "-- Why.\ncreate index ix_big on big (x)\nwhere x > 3;\n\ncreate unique index uq_big on big (x);\n"}
	after := migrations.Migration{Version: 2002, Name: "after", SQL: "create table later (x integer);\n"}
	if err := s.MigrateWith(ctx, table); err != nil {
		t.Fatal(err)
	}
	begin := func(x int) pgx.Tx {
		tx, err := connect().Begin(ctx)
		if err == nil {
			_, err = tx.Exec(ctx, "insert into big values ($1)", x)
		}
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	// valid counts the indexes that are whole and those that are not.
	valid := func() (whole, half int) {
		err := watcher.QueryRow(ctx, "select count(*) filter (where indisvalid), count(*) filter (where not indisvalid) from pg_index where indrelid = 'big'::regclass").Scan(&whole, &half)
		if err != nil {
			t.Fatal(err)
		}
		return whole, half
	}
	write := func(x int) {
		t.Helper()
		if _, err := watcher.Exec(ctx, "set lock_timeout = '5s'"); err != nil {
			t.Fatal(err)
		}
		if _, err := watcher.Exec(ctx, "insert into big values ($1)", x); err != nil {
			t.Errorf("a write waits for the index: %v", err)
		}
	}
	begun := func() {
		t.Helper()
		testkit.Eventually(t, time.Minute, func() error {
			if whole, half := valid(); half == 0 {
				return fmt.Errorf("no index is begun, %d are whole", whole)
			}
			return nil
		})
	}

	busy := begin(2000)
	dies, die := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- s.MigrateWith(dies, table, index, after) }()
	begun()
	write(2001)
	die()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the first try ends with %v", err)
	}
	testkit.Eventually(t, time.Minute, func() error { // the database hears of it later
		left := 0
		err := watcher.QueryRow(ctx, "select count(*) from pg_stat_activity where datname = current_database() and query like 'create index%' and state = 'active'").Scan(&left)
		if err == nil && left > 0 {
			err = errors.New("the index is still being made")
		}
		return err
	})
	if err := busy.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if _, half := valid(); half != 1 {
		t.Fatal("the first try leaves nothing behind")
	}

	busy = begin(2002)
	for _, s := range []*store.Store{s, other} {
		go func() { ended <- s.MigrateWith(ctx, table, index, after) }()
	}
	write(2003)
	if err := busy.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if whole, half := valid(); whole != 2 || half != 0 {
		t.Errorf("%d indexes are whole, %d are not", whole, half)
	}
	if err := s.MigrateWith(ctx, table, index, after); err != nil {
		t.Error(err)
	}
}

package store_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

func TestPlacesThatCannotBeADatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases := []struct {
		url     string
		code    api.Code
		message string
	}{
		{dir, api.CodeInvalid, "it is a folder"},
		{filepath.Join(dir, "missing", "usher.db"), api.CodeInvalid, "does not exist; make it first"},
		{write("text.db", strings.Repeat("This is no database. ", 100)), api.CodeUnavailable, "damaged or not a database"},
		{write("header.db", "SQLite format 3\x00"+strings.Repeat("\xff", 5000)), api.CodeUnavailable, "damaged or not a database"},
		{"", api.CodeInvalid, "No database is named"},
		{"mysql://root:s3cret@localhost/x", api.CodeInvalid, `Unknown kind of database "mysql"`},
		{"sqlite://usher.db", api.CodeInvalid, "three slashes"},
		{"sqlite:///%zz", api.CodeInvalid, "not well escaped"},
		{"postgres://u:s3cret@127.0.0.1:1/x", api.CodeUnavailable, "Check that the server runs"},
		{"postgresql+asyncpg://u:s3cret@127.0.0.1:1/x?ssl=disable", api.CodeUnavailable, "postgres x on 127.0.0.1:1 (user u)"},
		{"postgres://u:s3cret@host:port/x", api.CodeInvalid, "not a valid PostgreSQL URL"},
		{"postgres://u:s3cret@host/x?sslmode=s3cret", api.CodeInvalid, "not a valid PostgreSQL URL"},
		{"postgres://u:s3cret@host/x?a=%zz", api.CodeInvalid, "not well escaped"},
	}
	for _, c := range cases {
		_, err := store.Open(t.Context(), store.Config{URL: c.url})
		switch {
		case api.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.message):
			t.Errorf("%s: %v", c.url, err)
		case strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "connection refused") > 1:
			t.Errorf("%s: not one clear line: %v", c.url, err)
		case strings.Contains(fmt.Sprintf("%+v", err), "s3cret") || hasSecret(err):
			t.Errorf("%s: the password is in %v", c.url, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("something was left: %q", left)
	}
}

func hasSecret(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), "s3cret") {
			return true
		}
	}
	return false
}

func TestURLsOfSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, prefix := range []string{"", "sqlite:///", "sqlite+aiosqlite:///"} {
		path := filepath.Join(dir, "a b "+uuid.NewString()+".db")
		s := storetest.Open(t, prefix+path+map[bool]string{true: "?cache=shared", false: ""}[prefix != ""])
		if s.Describe() != path {
			t.Errorf("%s: got %s", prefix+path, s.Describe())
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("others may read it: %v", mode)
		}
	}
	for _, url := range []string{":memory:", "sqlite://", "sqlite+aiosqlite:///:memory:"} {
		s, err := store.Open(t.Context(), store.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		path := s.Describe()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Dir(path)); err == nil {
			t.Errorf("%s: %s is still there", url, path)
		}
	}
}

func TestADamagedPageIsReportedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	s := storetest.Open(t, url)
	storetest.Write(t, s, func(tx *store.Tx) error {
		for i := range 200 {
			if err := insertFlow(tx, uuid.New(), fmt.Sprint(i, strings.Repeat("x", 500))); err != nil {
				return err
			}
		}
		return nil
	})
	var root int64
	storetest.Read(t, s, func(tx *store.Tx) error {
		return tx.QueryRow("select rootpage from sqlite_schema where name = 'flow'", nil, &root)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, url, (root-1)*4096)
	s = storetest.Open(t, url)
	err := s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
		return tx.Query("select tags from flow", nil, func(*store.Row) error { return nil })
	})
	if api.CodeOf(err) != api.CodeUnavailable || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("got %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func damage(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte(strings.Repeat("\xa5", 4096)), offset)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// The engine's own limit stands for a disk that is full.
func TestAFullDiskFailsOnlyWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	limit := func(pages int) {
		storetest.Write(t, s, func(tx *store.Tx) error {
			return tx.QueryRow(fmt.Sprintf("pragma max_page_count = %d", pages), nil, new(int))
		})
	}
	var used int
	storetest.Read(t, s, func(tx *store.Tx) error { return tx.QueryRow("pragma page_count", nil, &used) })
	limit(used + 100)
	var group sync.WaitGroup
	for i := range 30 {
		group.Go(func() {
			name, huge := fmt.Sprintf("%02d", i), i%10 == 5
			if huge {
				name += strings.Repeat("x", 1<<20)
			}
			err := s.Write(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), name) })
			switch {
			case !huge && err != nil:
				t.Errorf("%s does fit: %v", name, err)
			case huge && (api.CodeOf(err) != api.CodeUnavailable || !strings.Contains(err.Error(), "the disk is full")):
				t.Errorf("%.9s…: got %v", name, err)
			}
		})
	}
	group.Wait()
	if n := len(flowNames(t, s)); n != 27 {
		t.Errorf("%d flows, want 27", n)
	}
	limit(1 << 30)
	storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), strings.Repeat("x", 1<<20)) })
	mustBeSound(t, s)
}

func TestTheLogStaysShort(t *testing.T) {
	t.Parallel()
	url := storetest.SQLiteURL(t)
	s := storetest.Open(t, url)
	const rounds, perRound, most = 200, 256 << 10, 64 << 20
	for i := range rounds {
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec("insert into flow (workspace_id, id, created, updated, name, tags) values (?, ?, 0, 0, ?, '[]')", tx.Workspace(), uuid.New(), fmt.Sprint(i, strings.Repeat("x", perRound)))
			return err
		})
	}
	info, err := os.Stat(url + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most { // of the 100 MB that were written: the rows and their unique index
		t.Errorf("the log has %d MB", info.Size()>>20)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(url + "-wal"); err == nil {
		t.Error("the log is still there after a clean close")
	}
}

// TestOpenWaitsForPostgres reaches a server through a gate that opens once Open says that
// it waits.
func TestOpenWaitsForPostgres(t *testing.T) {
	t.Parallel()
	real, err := pgconn.ParseConfig(testkit.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	network, server := pgconn.NetworkAddress(real.Host, real.Port)
	gate, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close() //nolint:errcheck // it is only asked
	var opened atomic.Bool
	go func() {
		for {
			client, err := gate.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial(network, server)
			if err != nil || !opened.Load() {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(behind, client); _ = behind.Close() }()
			go func() { _, _ = io.Copy(client, behind); _ = client.Close() }()
		}
	}()
	at := url.URL{Scheme: "postgres", User: url.UserPassword(real.User, real.Password), Host: gate.Addr().String(), Path: "/" + real.Database, RawQuery: "sslmode=disable"}
	if _, err := store.Open(t.Context(), store.Config{URL: at.String()}); api.CodeOf(err) != api.CodeUnavailable {
		t.Fatalf("without patience: %v", err)
	}
	s, err := store.Open(t.Context(), store.Config{URL: at.String(), Wait: 2 * time.Minute, Waiting: func(error) { opened.Store(true) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpenDoesNotWaitForWhatWillNotCome asks a server for a database that it has not got.
func TestOpenDoesNotWaitForWhatWillNotCome(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(testkit.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/nobody_has_made_it"
	waits := func(error) { t.Error("it waits for a database that does not exist") }
	if _, err := store.Open(t.Context(), store.Config{URL: at.String(), Wait: time.Second, Waiting: waits}); err == nil {
		t.Error("it opens a database that does not exist")
	}
}

func TestStatementsHaveABound(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{URL: testkit.PostgresURL(t), Statement: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing was written
	err = s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
		var none int
		return tx.QueryRow("select 1 from pg_sleep(600)", nil, &none)
	})
	if api.CodeOf(err) != api.CodeUnavailable {
		t.Errorf("a statement that takes ten minutes: %v", err)
	}
}

package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/store/dialect"
)

// TestOneReaderServesWhoReadsAlone reads one after the other, which takes one connection,
// then several at once, and checks that those which nobody needs any more are closed.
func TestOneReaderServesWhoReadsAlone(t *testing.T) {
	t.Parallel()
	e, err := Open(filepath.Join(t.TempDir(), "kept.db"), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	read := func(within func() error) {
		t.Helper()
		if err := e.readers.do(t.Context(), func(dialect.Session) error { return within() }); err != nil {
			t.Error(err)
		}
	}
	open := func() int {
		e.readers.mu.Lock()
		defer e.readers.mu.Unlock()
		return len(e.readers.idle)
	}
	nothing := func() error { return nil }
	for range 10 {
		read(nothing)
	}
	if n := open(); n != 1 {
		t.Errorf("%d connections are open after one reader at a time", n)
	}
	var group, inside sync.WaitGroup
	inside.Add(4)
	for range 4 {
		group.Go(func() { read(func() error { inside.Done(); inside.Wait(); return nil }) })
	}
	group.Wait()
	if n := open(); n != 4 {
		t.Errorf("%d connections are open after four readers at once", n)
	}
	e.readers.mu.Lock()
	for i := range e.readers.idle {
		e.readers.idle[i].since = time.Now().Add(-2 * idleTime)
	}
	e.readers.mu.Unlock()
	for range 5 {
		read(nothing)
	}
	if n := open(); n != 1 {
		t.Errorf("%d connections are open long after four readers at once", n)
	}
	failed := errors.New("on purpose")
	if err := e.readers.do(t.Context(), func(dialect.Session) error { return failed }); !errors.Is(err, failed) || open() != 1 {
		t.Errorf("a reader that fails gets %v and leaves %d connections", err, open())
	}
}

// TestCachedPagesComeFromLines fills caches with pages, gives them back by closing, and
// checks that all lines are free again and none is free twice.
func TestCachedPagesComeFromLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept.db")
	for round := range 3 {
		e, err := Open(path, 2)
		if err != nil {
			t.Fatal(err)
		}
		if cached.size <= pageSize || cached.size > 2*pageSize {
			t.Fatalf("a page in a cache takes %d bytes", cached.size)
		}
		if err := add(t, e, "create table if not exists kept (i integer, x blob)"); err != nil {
			t.Fatal(err)
		}
		if err := add(t, e, fmt.Sprintf("insert into kept values (%d, zeroblob(%d))", round, 3<<20)); err != nil {
			t.Fatal(err)
		}
		if n := rowsOf(t, e); n != int64(round+1) {
			t.Errorf("%d rows after %d", n, round+1)
		}
		if err := e.readers.do(t.Context(), func(s dialect.Session) error { return s.Script("pragma integrity_check") }); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		seen := map[uintptr]bool{}
		cached.mu.Lock()
		for _, p := range cached.free {
			if seen[p] {
				t.Errorf("a line is free twice")
			}
			seen[p] = true
		}
		cached.mu.Unlock()
		if len(seen) == 0 {
			t.Error("no page was in a line")
		}
	}
}

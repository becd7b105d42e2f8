package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// The log's length changes with a megabyte of commits, not with each, and what is behind
// the pages is taken for none by who opens the database after a crash.
func TestTheLogGrowsAhead(t *testing.T) {
	t.Parallel()
	e := openTable(t)
	const rows = 50
	lengths := map[int64]bool{}
	fill := func() {
		for range rows {
			if err := add(t, e, "insert into kept values (1)"); err != nil {
				t.Fatal(err)
			}
			lengths[lengthOf(t, e.path+"-wal")] = true
		}
	}
	fill()
	if len(lengths) != 1 {
		t.Errorf("the log had the lengths %v during %d small commits", lengths, rows)
	}
	testkit.Eventually(t, time.Minute, func() error { // the engine may be moving the log itself
		if _, err := moveLog(e.writer.session.conn, "truncate"); err != nil {
			return testkit.Final(err)
		}
		if n := lengthOf(t, e.path+"-wal"); n != 0 {
			return fmt.Errorf("the log has %d bytes after it was cut", n)
		}
		return nil
	})
	clear(lengths)
	fill()
	if len(lengths) != 1 {
		t.Errorf("the log had the lengths %v after it was cut", lengths)
	}
	crashed := filepath.Join(t.TempDir(), "crashed.db")
	for _, part := range []string{"", "-wal"} {
		data, err := os.ReadFile(e.path + part)
		if err == nil {
			err = os.WriteFile(crashed+part, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	after, err := Open(crashed, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, after); n != 2*rows {
		t.Errorf("%d of %d rows are there after a crash", n, 2*rows)
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

func lengthOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

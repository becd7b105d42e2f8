package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/usherhq/usher/internal/store/dialect"
)

func openTable(t *testing.T) *Engine {
	t.Helper()
	e, err := Open(filepath.Join(t.TempDir(), "kept.db"), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := add(t, e, "create table kept (i integer)"); err != nil {
		t.Fatal(err)
	}
	return e
}

func add(t *testing.T, e *Engine, sql string) error {
	t.Helper()
	return e.Write(t.Context(), dialect.Scope{}, func(s dialect.Session) error {
		_, err := s.Exec(sql, nil)
		return err
	})
}

func rowsOf(t *testing.T, e *Engine) (n int64) {
	t.Helper()
	err := e.Read(t.Context(), dialect.Scope{}, func(s dialect.Session) error {
		return s.Query("select count(*) from kept", nil, func(row dialect.Cells) (err error) {
			n, err = row.Int(0)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A disk that takes its time keeps no reader from what was committed, and nobody is told
// before it is done.
func TestReadersDoNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	e := openTable(t)
	settle, waits, goOn := e.writer.settle, make(chan bool), make(chan bool)
	e.writer.settle = func() error {
		waits <- true
		<-goOn
		return settle()
	}
	told := make(chan error, 1)
	go func() { told <- add(t, e, "insert into kept values (1)") }()
	<-waits
	if n := rowsOf(t, e); n != 1 {
		t.Errorf("a reader sees %d rows while the disk is slow", n)
	}
	select {
	case err := <-told:
		t.Errorf("the writer was answered %v before the disk was done", err)
	default:
	}
	e.writer.settle = settle // the writer has the turn and reads it again only in the next one
	goOn <- true
	if err := <-told; err != nil {
		t.Error(err)
	}
	if found := logAt(e.path + "-wal"); found == nil || found.frames {
		t.Errorf("the log is %+v after the writer was answered", found)
	}
}

// Once the disk has refused to keep the log, nothing is written any more and everybody is
// told why.
func TestTheWriterStopsWhenTheDiskFails(t *testing.T) {
	t.Parallel()
	e := openTable(t)
	settle := e.writer.settle
	e.writer.settle = func() error { return unix.EIO }
	err := add(t, e, "insert into kept values (1)")
	if !errors.Is(err, unix.EIO) || !strings.Contains(err.Error(), "start the server again") {
		t.Errorf("the disk fails, and the writer says %v", err)
	}
	e.writer.settle = settle
	if again := add(t, e, "insert into kept values (2)"); !errors.Is(again, unix.EIO) {
		t.Errorf("after the disk failed the writer says %v", again)
	}
	if n := rowsOf(t, e); n > 1 {
		t.Errorf("%d rows were written after the disk failed", n)
	}
}

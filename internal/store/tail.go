package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Stored is a row of a table whose rows are numbered as they are written. A transaction
// takes its numbers before it commits, so a row may appear after one with a higher
// number, and a number whose transaction failed never gets a row.
type Stored[T any] struct {
	Seq       int64
	Workspace uuid.UUID
	Value     T
}

// Rows says which rows of a numbered table to read, of every workspace: up to Limit that
// come after a number, and those that have one of the numbers of Missing.
type Rows struct {
	After   int64
	Missing []int64
	Limit   int
}

// EventRows reads rows of events, first those that were missing.
func (tx *Tx) EventRows(ask Rows) ([]Stored[api.ReceivedEvent], error) {
	return stored(tx, "event", eventColumns, ask, scanEventAnd)
}

// LogRows reads rows of log lines, first those that were missing.
func (tx *Tx) LogRows(ask Rows) ([]Stored[api.Log], error) {
	return stored(tx, "log", logSelected, ask, scanLogAnd)
}

func stored[T any](tx *Tx, table, columns string, ask Rows, scan func(*Row, ...any) (T, error)) (out []Stored[T], err error) {
	head := "select " + columns + ", seq, workspace_id\nfrom " + table + "\nwhere "
	one := func(row *Row) (s Stored[T], err error) {
		s.Value, err = scan(row, &s.Seq, &s.Workspace)
		return s, err
	}
	if n := len(ask.Missing); n > 0 {
		if out, err = many(tx, head+dialect.In("seq", n)+"\norder by seq", dialect.Pad(nil, ask.Missing), one); err != nil {
			return nil, err
		}
	}
	next, err := many(tx, head+"seq > ?\norder by seq\nlimit ?", []any{ask.After, ask.Limit}, one)
	return append(out, next...), err
}

// LastEventRows returns the numbers of the newest n events, the newest first.
func (tx *Tx) LastEventRows(n int) ([]int64, error) { return lastRows(tx, "event", n) }

// LastLogRows returns the numbers of the newest n log lines, the newest first.
func (tx *Tx) LastLogRows(n int) ([]int64, error) { return lastRows(tx, "log", n) }

func lastRows(tx *Tx, table string, n int) ([]int64, error) {
	return many(tx, "select seq\nfrom "+table+"\norder by seq desc\nlimit ?", []any{n}, func(row *Row) (seq int64, err error) {
		return seq, row.Scan(&seq)
	})
}

package sqlite

import (
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/dialect"
)

// Arguments arrive as they were given, also those of a statement that runs inside the rows
// of another one, and nothing of them is left for the next use of the statement.
func TestArgumentsArrive(t *testing.T) {
	t.Parallel()
	e := openTable(t)
	long, id := strings.Repeat("é", keptTexts), uuid.New()
	const echo = "select ?, ?, ?, ?, ?, ?, ?, typeof(?)"
	err := e.Read(t.Context(), dialect.Scope{}, func(s dialect.Session) error {
		for _, text := range []string{"", "short", long, "again"} {
			args := []any{int64(-7), 1.5, true, text, []byte{0, 1}, id, dialect.JSON("{}"), math.NaN()}
			err := s.Query(echo, args, func(row dialect.Cells) error {
				err := s.Query("select ?", []any{long + long}, func(dialect.Cells) error { return nil })
				if err != nil {
					return err
				}
				n, _ := row.Int(0)
				f, _ := row.Float(1)
				b, _ := row.Bool(2)
				got, _ := row.Text(3)
				blob, _ := row.Bytes(4)
				is, _ := row.UUID(5)
				json, _ := row.Text(6)
				kind, err := row.Text(7)
				if n != -7 || f != 1.5 || !b || got != text || string(blob) != "\x00\x01" || is != id || json != "{}" || kind != "null" {
					t.Errorf("%v came back as %d %v %v %.9q %q %v %q %s", args, n, f, b, got, blob, is, json, kind)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := s.Query("select ?", []any{1}, nil); err == nil {
			t.Error("an int is bound")
		}
		return s.Query("select ?", []any{nil}, func(row dialect.Cells) error {
			if !row.Null(0) {
				t.Error("null is not null after a use with something else")
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// SQLite may plan for the beginning of a pattern, when it has to plan while one is bound,
// and must then plan anew for the next.
func TestPatternsArePlannedAnew(t *testing.T) {
	t.Parallel()
	e := openTable(t)
	change := func(sql string) {
		if err := add(t, e, sql); err != nil {
			t.Fatal(err)
		}
	}
	change("create table named (name text collate nocase primary key) without rowid")
	change("insert into named values ('apple'), ('pear')")
	for i, pattern := range []string{"app%", "app%", "p%", "x%"} {
		want := []int64{1, 1, 1, 0}[i]
		err := e.Read(t.Context(), dialect.Scope{}, func(s dialect.Session) error {
			return s.Query("select count(*) from named where name like ?", []any{pattern}, func(row dialect.Cells) error {
				if n, err := row.Int(0); err != nil || n != want {
					t.Errorf("%q finds %d names, %v; want %d", pattern, n, err, want)
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			change("create table another (i integer)") // what is prepared is planned again
		}
	}
}

package sqlite

import (
	"bytes"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// What is read from SQLite's memory is what its functions answer, in databases of either
// encoding.
func TestCellsAreWhatSQLiteAnswers(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"UTF-8", "UTF-16le"} {
		conn, err := sqlite.OpenConn(":memory:", sqlite.OpenReadWrite, sqlite.OpenCreate)
		if err != nil {
			t.Fatal(err)
		}
		s := newSession(conn, ":memory:")
		if err := s.Script(`pragma encoding = '` + encoding + `'; create table kept (i integer, r real, whole real, t text, b blob, n text, z blob, e text);
			insert into kept values (-7, 1.5, 3, 'naïve 🦊', x'00ff10', null, zeroblob(5), '')`); err != nil {
			t.Fatal(err)
		}
		const query = `select i, r, whole, t, b, n, z, e, i + 1, r * 2, t || 'x', cast(t as blob), zeroblob(16), randomblob(16), max(i, 2), 1 = 1, '' as u, cast(12 as text), cast('7' as integer), x'', 'a' || i from kept`
		rows := 0
		err = s.Query(query, nil, func(row dialect.Cells) error {
			rows++
			c := row.(*cells) //nolint:forcetypeassert // a session has no others
			if c.Len() != c.stmt.ColumnCount() {
				t.Errorf("%d columns, not %d", c.Len(), c.stmt.ColumnCount())
			}
			for i := range c.Len() {
				checkCell(t, c, i)
			}
			if !c.Null(-1) || !c.Null(c.Len()) {
				t.Error("there are values in columns that there are not")
			}
			return nil
		})
		if err != nil || rows != 1 {
			t.Errorf("%s: %d rows, %v", encoding, rows, err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}

func checkCell(t *testing.T, c *cells, i int) {
	t.Helper()
	want := c.stmt.ColumnType(i)
	fits := func(err error, kinds ...sqlite.ColumnType) bool {
		for _, k := range kinds {
			if k == want {
				if err != nil {
					t.Errorf("column %d of type %v: %v", i, want, err)
				}
				return err == nil
			}
		}
		if err == nil {
			t.Errorf("column %d of type %v is read as another", i, want)
		}
		return false
	}
	if c.Null(i) != (want == sqlite.TypeNull) {
		t.Errorf("column %d of type %v: null is %v", i, want, c.Null(i))
	}
	if n, err := c.Int(i); fits(err, sqlite.TypeInteger) && n != c.stmt.ColumnInt64(i) {
		t.Errorf("column %d is %d, not %d", i, n, c.stmt.ColumnInt64(i))
	}
	if f, err := c.Float(i); fits(err, sqlite.TypeFloat) && f != c.stmt.ColumnFloat(i) {
		t.Errorf("column %d is %g, not %g", i, f, c.stmt.ColumnFloat(i))
	}
	if text, err := c.Text(i); fits(err, sqlite.TypeText) && text != c.stmt.ColumnText(i) {
		t.Errorf("column %d is %q, not %q", i, text, c.stmt.ColumnText(i))
	}
	got, err := c.Bytes(i)
	b := make([]byte, c.stmt.ColumnLen(i))
	c.stmt.ColumnBytes(i, b)
	if fits(err, sqlite.TypeText, sqlite.TypeBlob) && !bytes.Equal(got, b) {
		t.Errorf("column %d is %x, not %x", i, got, b)
	}
	if id, err := c.UUID(i); (err == nil) != (want == sqlite.TypeBlob && len(b) == len(id)) || err == nil && !bytes.Equal(id[:], b) {
		t.Errorf("column %d is the id %x, not %x: %v", i, id, b, err)
	}
}

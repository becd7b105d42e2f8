package sqlite

import (
	"reflect"
	"unsafe"

	lib "modernc.org/sqlite/lib"
	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// cells reads the row that a statement stands on. It looks at SQLite's own memory of the
// row: SQLite's functions lock the connection for every cell and several are needed for
// one, which for a page of runs is as much work as finding them.
type cells struct {
	stmt *sqlite.Stmt
	vdbe *lib.TVdbe
}

// handleOf is where a Stmt keeps SQLite's own statement.
var handleOf = func() uintptr {
	field, ok := reflect.TypeFor[sqlite.Stmt]().FieldByName("stmt")
	if !ok || field.Type.Kind() != reflect.Uintptr {
		panic("the statement of zombiezen.com/go/sqlite is not where it was")
	}
	return field.Offset
}()

func cellsOf(stmt *sqlite.Stmt) *cells {
	handle := *(*uintptr)(unsafe.Add(unsafe.Pointer(stmt), handleOf))
	return &cells{stmt, at[lib.TVdbe](handle)}
}

// cell is the value in a column; nil if there is no such column.
func (c *cells) cell(i int) *lib.TMem {
	if c.vdbe.FpResultRow == 0 || i < 0 || i >= int(c.vdbe.FnResColumn) {
		return nil
	}
	return at[lib.TMem](c.vdbe.FpResultRow + uintptr(i)*unsafe.Sizeof(lib.TMem{}))
}

// typeOf is how sqlite3_column_type reads the flags of a value.
func typeOf(m *lib.TMem) sqlite.ColumnType {
	switch {
	case m == nil || m.Fflags&lib.MEM_Null != 0:
		return sqlite.TypeNull
	case m.Fflags&lib.MEM_Int != 0:
		return sqlite.TypeInteger
	case m.Fflags&(lib.MEM_Real|lib.MEM_IntReal) != 0:
		return sqlite.TypeFloat
	case m.Fflags&lib.MEM_Str != 0:
		return sqlite.TypeText
	}
	return sqlite.TypeBlob
}

func (c *cells) Len() int { return int(c.vdbe.FnResColumn) }

func (c *cells) Null(i int) bool { return typeOf(c.cell(i)) == sqlite.TypeNull }

func (c *cells) Int(i int) (int64, error) {
	m := c.cell(i)
	if got := typeOf(m); got != sqlite.TypeInteger {
		return 0, dialect.TypeError(i, "an integer", kind(got))
	}
	return *(*int64)(unsafe.Pointer(&m.Fu)), nil
}

func (c *cells) Float(i int) (float64, error) {
	m := c.cell(i)
	switch got := typeOf(m); {
	case got != sqlite.TypeFloat:
		return 0, dialect.TypeError(i, "a float", kind(got))
	case m.Fflags&lib.MEM_Real == 0: // it is kept as an integer
		return float64(*(*int64)(unsafe.Pointer(&m.Fu))), nil
	}
	return *(*float64)(unsafe.Pointer(&m.Fu)), nil
}

func (c *cells) Bool(i int) (bool, error) {
	n, err := c.Int(i)
	return n != 0, err
}

func (c *cells) Text(i int) (string, error) {
	m := c.cell(i)
	if got := typeOf(m); got != sqlite.TypeText {
		return "", dialect.TypeError(i, "text", kind(got))
	}
	if m.Fenc != lib.SQLITE_UTF8 { // of another program
		return c.stmt.ColumnText(i), nil
	}
	return string(contents(m)), nil
}

// Bytes are those of a blob or a text.
func (c *cells) Bytes(i int) ([]byte, error) {
	view, err := c.View(i)
	if err != nil {
		return nil, err
	}
	b := make([]byte, len(view))
	copy(b, view)
	return b, nil
}

func (c *cells) View(i int) ([]byte, error) {
	m := c.cell(i)
	switch got := typeOf(m); {
	case got == sqlite.TypeText && m.Fenc != lib.SQLITE_UTF8, got == sqlite.TypeBlob && m.Fflags&lib.MEM_Zero != 0:
		b := make([]byte, c.stmt.ColumnLen(i))
		c.stmt.ColumnBytes(i, b)
		return b, nil
	case got == sqlite.TypeText, got == sqlite.TypeBlob:
		return contents(m), nil
	default:
		return nil, dialect.TypeError(i, "bytes", kind(got))
	}
}

func (c *cells) UUID(i int) (id dialect.UUID, err error) {
	m := c.cell(i)
	if got := typeOf(m); got != sqlite.TypeBlob {
		return id, dialect.TypeError(i, "an id", kind(got))
	}
	if int(m.Fn) == len(id) && m.Fflags&lib.MEM_Zero == 0 {
		copy(id[:], contents(m))
		return id, nil
	}
	if c.stmt.ColumnLen(i) != len(id) { // some of it may be zeros that are only counted
		return id, dialect.TypeError(i, "an id", "bytes of another length")
	}
	c.stmt.ColumnBytes(i, id[:])
	return id, nil
}

// contents are the bytes of a text or blob, until the statement steps on.
func contents(m *lib.TMem) []byte {
	if m.Fn <= 0 {
		return nil
	}
	return unsafe.Slice(at[byte](m.Fz), m.Fn)
}

func kind(t sqlite.ColumnType) string {
	switch t {
	case sqlite.TypeInteger:
		return "an integer"
	case sqlite.TypeFloat:
		return "a float"
	case sqlite.TypeText:
		return "text"
	case sqlite.TypeBlob:
		return "bytes"
	}
	return "null"
}

package sqlite

import (
	"fmt"
	"math"
	"unsafe"

	lib "modernc.org/sqlite/lib"
	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// bindings give statements their arguments. They are put where SQLite keeps them, as cells
// are read from there: SQLite's functions lock the connection for each, and each text
// would be copied to memory that has to be taken and given back. Here texts lie in memory
// of the connection until the statement is done.
type bindings struct {
	texts []byte // those of the statements that are running; it never moves under them
}

const (
	// leastTexts is how much memory for texts is taken at once.
	leastTexts = 4 << 10
	// keptTexts bounds the memory that is kept for the texts of the next statement.
	keptTexts = 256 << 10
)

// bind sets the arguments of a statement. What it answers has to be given to unbind.
func (b *bindings) bind(row *cells, args []any) (before []byte, err error) {
	before = b.texts
	if want := int(row.vdbe.FnVar); want != len(args) {
		return before, fmt.Errorf("the statement wants %d arguments, got %d", want, len(args))
	}
	if row.vdbe.Fexpmask != 0 || at[lib.Tsqlite3](row.vdbe.Fdb).Fenc != lib.SQLITE_UTF8 {
		return before, bindSlowly(row.stmt, args) // values make it plan anew, or texts are turned into others
	}
	if need := textSize(args); need > cap(b.texts)-len(b.texts) {
		b.texts = make([]byte, 0, max(need, leastTexts))
	}
	for i, arg := range args {
		m := row.argument(i)
		switch v := arg.(type) {
		case nil:
			m.Fflags = lib.MEM_Null
		case int64:
			setInt(m, v)
		case bool:
			setInt(m, 0)
			if v {
				setInt(m, 1)
			}
		case float64:
			m.Fflags = lib.MEM_Null
			if !math.IsNaN(v) {
				m.Fflags, *(*float64)(unsafe.Pointer(&m.Fu)) = lib.MEM_Real, v
			}
		case string:
			setText(b, m, lib.MEM_Str, v)
		case dialect.JSON:
			setText(b, m, lib.MEM_Str, v)
		case []byte:
			setText(b, m, lib.MEM_Blob, v)
		case dialect.UUID:
			setText(b, m, lib.MEM_Blob, v[:])
		default:
			return before, unbindable(i, arg)
		}
	}
	return before, nil
}

// unbind takes the arguments of a statement that was reset away.
func (b *bindings) unbind(row *cells, before []byte) {
	for i := range int(row.vdbe.FnVar) {
		m := row.argument(i)
		if m.Fflags&lib.MEM_Dyn != 0 || m.FszMalloc != 0 { // it was bound slowly
			_ = row.stmt.ClearBindings() // nobody interrupts the connection
			break
		}
		m.Fflags = lib.MEM_Null
	}
	if len(before) == 0 && cap(b.texts) <= keptTexts {
		before = b.texts[:0]
	}
	b.texts = before
}

// argument is where SQLite keeps an argument of the statement.
func (c *cells) argument(i int) *lib.TMem {
	return at[lib.TMem](c.vdbe.FaVar + uintptr(i)*unsafe.Sizeof(lib.TMem{}))
}

func setInt(m *lib.TMem, v int64) { m.Fflags, *(*int64)(unsafe.Pointer(&m.Fu)) = lib.MEM_Int, v }

// setText makes an argument a text or blob that SQLite neither changes nor gives back.
func setText[T ~string | ~[]byte](b *bindings, m *lib.TMem, kind uint16, v T) {
	from := len(b.texts)
	b.texts = append(b.texts, v...)
	m.Fz = uintptr(unsafe.Pointer(unsafe.SliceData(b.texts))) + uintptr(from)
	m.Fn, m.Fenc, m.Fflags = int32(len(v)), lib.SQLITE_UTF8, kind|lib.MEM_Static //nolint:gosec // no request is so long
}

// textSize is how many bytes the texts and blobs among the arguments have.
func textSize(args []any) (n int) {
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			n += len(v)
		case dialect.JSON:
			n += len(v)
		case []byte:
			n += len(v)
		case dialect.UUID:
			n += len(v)
		}
	}
	return n
}

func bindSlowly(stmt *sqlite.Stmt, args []any) error {
	for i, arg := range args {
		switch v := arg.(type) {
		case nil:
			stmt.BindNull(i + 1)
		case int64:
			stmt.BindInt64(i+1, v)
		case float64:
			stmt.BindFloat(i+1, v)
		case bool:
			stmt.BindBool(i+1, v)
		case string:
			stmt.BindText(i+1, v)
		case dialect.JSON:
			stmt.BindText(i+1, string(v))
		case []byte:
			stmt.BindBytes(i+1, v)
		case dialect.UUID:
			stmt.BindBytes(i+1, v[:])
		default:
			return unbindable(i, arg)
		}
	}
	return nil
}

func unbindable(i int, arg any) error {
	return fmt.Errorf("argument %d is a %T, which no column can hold", i+1, arg)
}

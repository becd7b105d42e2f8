package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// cells reads the row that a statement stands on.
type cells struct{ stmt *sqlite.Stmt }

func (c cells) Len() int { return c.stmt.ColumnCount() }

func (c cells) Null(i int) bool { return c.stmt.ColumnType(i) == sqlite.TypeNull }

func (c cells) Int(i int) (int64, error) {
	if err := c.expect(i, sqlite.TypeInteger, "an integer"); err != nil {
		return 0, err
	}
	return c.stmt.ColumnInt64(i), nil
}

func (c cells) Float(i int) (float64, error) {
	if err := c.expect(i, sqlite.TypeFloat, "a float"); err != nil {
		return 0, err
	}
	return c.stmt.ColumnFloat(i), nil
}

func (c cells) Bool(i int) (bool, error) {
	n, err := c.Int(i)
	return n != 0, err
}

func (c cells) Text(i int) (string, error) {
	if err := c.expect(i, sqlite.TypeText, "text"); err != nil {
		return "", err
	}
	return c.stmt.ColumnText(i), nil
}

func (c cells) Bytes(i int) ([]byte, error) {
	switch got := c.stmt.ColumnType(i); got {
	case sqlite.TypeText, sqlite.TypeBlob:
		b := make([]byte, c.stmt.ColumnLen(i))
		c.stmt.ColumnBytes(i, b)
		return b, nil
	default:
		return nil, dialect.TypeError(i, "bytes", kind(got))
	}
}

func (c cells) UUID(i int) (id dialect.UUID, err error) {
	if err := c.expect(i, sqlite.TypeBlob, "an id"); err != nil {
		return id, err
	}
	if c.stmt.ColumnLen(i) != len(id) {
		return id, dialect.TypeError(i, "an id", "bytes of another length")
	}
	c.stmt.ColumnBytes(i, id[:])
	return id, nil
}

func (c cells) expect(i int, want sqlite.ColumnType, name string) error {
	if got := c.stmt.ColumnType(i); got != want {
		return dialect.TypeError(i, name, kind(got))
	}
	return nil
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

package postgres

import (
	"encoding/binary"
	"math"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/usherhq/usher/internal/store/dialect"
)

// cells reads a row as the server sent it.
type cells struct {
	fields []pgconn.FieldDescription
	values [][]byte
	types  *pgtype.Map
}

func (c *cells) Len() int { return len(c.fields) }

func (c *cells) Null(i int) bool { return c.values[i] == nil }

// Sums of integers are numeric, hence the general way for what is not an integer.
func (c *cells) Int(i int) (n int64, err error) {
	if err := c.present(i, "an integer"); err != nil {
		return 0, err
	}
	v := c.values[i]
	switch f := c.fields[i]; {
	case f.Format == pgtype.BinaryFormatCode && f.DataTypeOID == pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(v)), nil
	case f.DataTypeOID == pgtype.Int8OID, f.DataTypeOID == pgtype.Int4OID, f.DataTypeOID == pgtype.Int2OID, f.DataTypeOID == pgtype.NumericOID:
		err = c.types.Scan(f.DataTypeOID, f.Format, v, &n)
		return n, err
	}
	return 0, c.mismatch(i, "an integer")
}

func (c *cells) Float(i int) (n float64, err error) {
	if err := c.present(i, "a float"); err != nil {
		return 0, err
	}
	v := c.values[i]
	switch f := c.fields[i]; {
	case f.Format == pgtype.BinaryFormatCode && f.DataTypeOID == pgtype.Float8OID:
		return math.Float64frombits(binary.BigEndian.Uint64(v)), nil
	case f.DataTypeOID == pgtype.Float8OID, f.DataTypeOID == pgtype.Float4OID, f.DataTypeOID == pgtype.NumericOID:
		err = c.types.Scan(f.DataTypeOID, f.Format, v, &n)
		return n, err
	}
	return 0, c.mismatch(i, "a float")
}

func (c *cells) Bool(i int) (b bool, err error) {
	if err := c.present(i, "a boolean"); err != nil {
		return false, err
	}
	f := c.fields[i]
	if f.DataTypeOID != pgtype.BoolOID {
		return false, c.mismatch(i, "a boolean")
	}
	err = c.types.Scan(f.DataTypeOID, f.Format, c.values[i], &b)
	return b, err
}

func (c *cells) Text(i int) (string, error) {
	b, err := c.text(i, "text")
	return string(b), err
}

func (c *cells) Bytes(i int) ([]byte, error) {
	view, err := c.View(i)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, view...), nil
}

func (c *cells) View(i int) ([]byte, error) {
	if f := c.fields[i]; f.DataTypeOID == pgtype.ByteaOID {
		return c.bytea(i)
	}
	return c.text(i, "bytes")
}

func (c *cells) bytea(i int) (b []byte, err error) {
	if err := c.present(i, "bytes"); err != nil {
		return nil, err
	}
	f := c.fields[i]
	err = c.types.Scan(f.DataTypeOID, f.Format, c.values[i], &b)
	return b, err
}

func (c *cells) UUID(i int) (id dialect.UUID, err error) {
	if err := c.present(i, "an id"); err != nil {
		return id, err
	}
	f := c.fields[i]
	if f.DataTypeOID != pgtype.UUIDOID {
		return id, c.mismatch(i, "an id")
	}
	err = c.types.Scan(f.DataTypeOID, f.Format, c.values[i], (*[16]byte)(&id))
	return id, err
}

// text returns the bytes of text and JSON, which are the same in every format but for
// the version that binary jsonb starts with.
func (c *cells) text(i int, want string) ([]byte, error) {
	if err := c.present(i, want); err != nil {
		return nil, err
	}
	v := c.values[i]
	switch f := c.fields[i]; f.DataTypeOID {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.JSONOID, pgtype.UnknownOID:
		return v, nil
	case pgtype.JSONBOID:
		if f.Format == pgtype.BinaryFormatCode {
			return v[1:], nil
		}
		return v, nil
	}
	return nil, c.mismatch(i, want)
}

func (c *cells) present(i int, want string) error {
	if c.values[i] == nil {
		return dialect.TypeError(i, want, "null")
	}
	return nil
}

func (c *cells) mismatch(i int, want string) error {
	got := "another type"
	if t, known := c.types.TypeForOID(c.fields[i].DataTypeOID); known {
		got = "a " + t.Name
	}
	return dialect.TypeError(i, want, got)
}

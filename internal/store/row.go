package store

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Row is one row of an answer.
type Row struct{ cells dialect.Cells }

// passing is JSON that is read while its row is there and not kept; null is empty.
type passing []byte

// Scan copies the columns into what dest points to: *string, *int, *int64, *float64,
// *bool, *uuid.UUID, *api.Time, *time.Duration, *jsontext.Value, *[]byte, *[]string and
// *[]uuid.UUID (JSON lists), types based on one of them, and pointers to such pointers,
// which become nil for null. Null for any other is an error, except that a
// *jsontext.Value becomes empty; so is a column of another type. nil skips a column.
func (r *Row) Scan(dest ...any) error {
	if n := r.cells.Len(); n != len(dest) {
		return fmt.Errorf("the row has %d columns, not %d", n, len(dest))
	}
	for i, d := range dest {
		if err := r.scan(i, d); err != nil {
			return err
		}
	}
	return nil
}

// Len is the number of columns.
func (r *Row) Len() int { return r.cells.Len() }

func (r *Row) scan(i int, dest any) (err error) {
	c := r.cells
	switch d := dest.(type) {
	case nil:
	case *string:
		*d, err = c.Text(i)
	case *int:
		var n int64
		n, err = c.Int(i)
		*d = int(n)
	case *int64:
		*d, err = c.Int(i)
	case *float64:
		*d, err = c.Float(i)
	case *bool:
		*d, err = c.Bool(i)
	case *uuid.UUID:
		var id dialect.UUID
		id, err = c.UUID(i)
		*d = uuid.UUID(id)
	case *api.Time:
		var us int64
		us, err = c.Int(i)
		*d = api.Time{Time: time.UnixMicro(us).UTC()}
	case *time.Duration:
		var us int64
		us, err = c.Int(i)
		*d = time.Duration(us) * time.Microsecond
	case *[]byte:
		*d, err = c.Bytes(i)
	case *passing:
		*d = nil
		if !c.Null(i) {
			*d, err = c.View(i)
		}
	case *jsontext.Value:
		*d = nil
		if !c.Null(i) {
			*d, err = c.Bytes(i)
		}
	default:
		err = r.scanOther(i, dest)
	}
	return err
}

// scanOther scans lists, and what may be null.
func (r *Row) scanOther(i int, dest any) error {
	switch d := dest.(type) {
	case *[]string:
		return r.scanTexts(i, d)
	case *[]uuid.UUID:
		return r.scanList(i, d)
	case **string:
		return scanPointer(r, i, d)
	case **uuid.UUID:
		return scanPointer(r, i, d)
	case **api.Time:
		return scanPointer(r, i, d)
	case **int:
		return scanPointer(r, i, d)
	}
	return r.scanKind(i, dest)
}

func scanPointer[T any](r *Row, i int, d **T) error {
	if r.cells.Null(i) {
		*d = nil
		return nil
	}
	*d = new(T)
	return r.scan(i, *d)
}

// scanTexts scans a list of texts, which in most lists need no unescaping.
func (r *Row) scanTexts(i int, dest *[]string) error {
	text, err := r.cells.Text(i)
	if err != nil {
		return err
	}
	if plain, ok := plainTexts(text); ok {
		*dest = plain
		return nil
	}
	return json.Unmarshal([]byte(text), dest)
}

// plainTexts reads a JSON list of texts without escapes and spaces.
func plainTexts(list string) ([]string, bool) {
	if len(list) < 2 || list[0] != '[' || list[len(list)-1] != ']' || strings.IndexByte(list, '\\') >= 0 {
		return nil, false
	}
	rest, ok := list[1:len(list)-1], true
	texts := []string{}
	for rest != "" {
		if len(texts) > 0 {
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return nil, false
			}
		}
		if rest, ok = strings.CutPrefix(rest, `"`); !ok {
			return nil, false
		}
		text, after, ok := strings.Cut(rest, `"`)
		if !ok {
			return nil, false
		}
		texts, rest = append(texts, text), after
	}
	return texts, true
}

func (r *Row) scanList(i int, dest any) error {
	text, err := r.cells.Bytes(i)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, dest)
}

// scanKind scans into pointers and types that are based on a simple one, such as the
// enumerations of api.
func (r *Row) scanKind(i int, dest any) error {
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("column %d: can't scan into a %T", i+1, dest)
	}
	v := p.Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if r.cells.Null(i) {
			v.SetZero()
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return r.scan(i, v.Interface())
	case reflect.String:
		s, err := r.cells.Text(i)
		v.SetString(s)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := r.cells.Int(i)
		v.SetInt(n)
		return err
	case reflect.Float32, reflect.Float64:
		f, err := r.cells.Float(i)
		v.SetFloat(f)
		return err
	case reflect.Bool:
		b, err := r.cells.Bool(i)
		v.SetBool(b)
		return err
	}
	return fmt.Errorf("column %d: can't scan into a %T", i+1, dest)
}

package store

import (
	"errors"
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

// encode turns Go values into the few types that engines bind.
func encode(args []any) ([]any, error) {
	values := make([]any, len(args))
	for i, arg := range args {
		v, err := encodeOne(arg)
		if ours := (*api.Error)(nil); errors.As(err, &ours) {
			return nil, err // it is about what a caller sent, not about the statement
		}
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		values[i] = v
	}
	return values, nil
}

func encodeOne(arg any) (any, error) {
	switch v := arg.(type) {
	case nil, int64, float64, bool, []byte, uuid.UUID:
		return arg, nil
	case string:
		return arg, checkText(v)
	case int:
		return int64(v), nil
	case api.Time:
		return v.UnixMicro(), nil
	case time.Duration:
		return v.Microseconds(), nil
	case jsontext.Value:
		if len(v) == 0 { // a column that needs a value refuses it
			return nil, nil
		}
		return arg, nil
	case []string:
		return list(v)
	case []uuid.UUID:
		return list(v)
	case *uuid.UUID:
		return pointer(v)
	case *api.Time:
		return pointer(v)
	case *string:
		return pointer(v)
	}
	return encodeKind(reflect.ValueOf(arg))
}

func pointer[T any](p *T) (any, error) {
	if p == nil {
		return nil, nil
	}
	return encodeOne(*p)
}

// encodeKind encodes pointers and types that are based on a simple one, such as the
// enumerations of api.
func encodeKind(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return encodeOne(v.Elem().Interface())
	case reflect.String:
		return v.String(), checkText(v.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Bool:
		return v.Bool(), nil
	}
	return nil, fmt.Errorf("a %s is nothing that a column holds", v.Type())
}

// PostgreSQL has no text with a NUL in it, so neither database gets one.
func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return api.Errorf(api.CodeInvalid, "A text contains the character NUL, which can't be stored.")
	}
	return nil
}

var noElements any = dialect.JSON("[]")

func list[T any](v []T) (any, error) {
	if v == nil {
		return noElements, nil
	}
	b, err := json.Marshal(v)
	return dialect.JSON(b), err
}

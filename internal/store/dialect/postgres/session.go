package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/usherhq/usher/internal/store/dialect"
)

// session executes statements on one connection, inside a transaction.
type session struct {
	ctx    context.Context //nolint:containedctx // a session lives as long as one call of Write or Read
	conn   *pgx.Conn
	engine *Engine
}

func (s *session) Exec(sql string, args []any) (int64, error) {
	values, err := bind(args)
	if err != nil {
		return 0, err
	}
	text, err := s.engine.texts.numbered(sql)
	if err != nil {
		return 0, err
	}
	tag, err := s.conn.Exec(s.ctx, text, values...)
	return tag.RowsAffected(), s.refused(err)
}

func (s *session) Query(sql string, args []any, each func(dialect.Cells) error) error {
	values, err := bind(args)
	if err != nil {
		return err
	}
	text, err := s.engine.texts.numbered(sql)
	if err != nil {
		return err
	}
	rows, err := s.conn.Query(s.ctx, text, values...)
	if err != nil {
		return s.refused(err)
	}
	defer rows.Close()
	row := &cells{fields: rows.FieldDescriptions(), types: s.conn.TypeMap()}
	for rows.Next() {
		row.values = rows.RawValues()
		if err := each(row); err != nil {
			return err
		}
	}
	return s.refused(rows.Err())
}

func (s *session) Script(sql string) error {
	_, err := s.conn.PgConn().Exec(s.ctx, sql).ReadAll()
	return s.refused(err)
}

func (*session) Inserted() int64 { return 0 }

func (s *session) Tables() (names []string, err error) {
	err = s.Query(`
select table_name::text
from information_schema.tables
where table_schema = current_schema()
and table_type = 'BASE TABLE'`, nil, func(row dialect.Cells) error {
		name, err := row.Text(0)
		names = append(names, name)
		return err
	})
	return names, err
}

// refused translates an error, unless the transaction has to be repeated because of it.
func (s *session) refused(err error) error {
	if asksAgain(err) {
		return err
	}
	return s.engine.translate(err)
}

// bind hands JSON over as text, which the driver passes to the server as it is.
func bind(args []any) ([]any, error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case nil, int64, float64, bool, []byte:
		case string:
			if strings.IndexByte(v, 0) >= 0 {
				return nil, fmt.Errorf("argument %d contains NUL", i+1)
			}
		case dialect.JSON:
			args[i] = string(v)
		case dialect.UUID:
			args[i] = [16]byte(v)
		default:
			return nil, fmt.Errorf("argument %d is a %T, which no column can hold", i+1, arg)
		}
	}
	return args, nil
}

package intake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Source is the database of a reference server, which is only read.
type Source struct {
	viewer dialect.Viewer
	sqlite bool
}

// Open opens a database at an SQLite file or a URL.
func Open(ctx context.Context, url string) (*Source, error) {
	viewer, sql, err := store.View(ctx, url)
	if err != nil {
		return nil, err
	}
	return &Source{viewer, sql.Name() == "sqlite"}, nil
}

// Close lets the database go.
func (s *Source) Close() error { return s.viewer.Close() }

// revisions are the schemas that are read: all since the columns last changed, the oldest
// first.
func (s *Source) revisions() []string {
	if s.sqlite {
		return []string{"9e83011d1f2a", "a1b2c3d4e5f7", "4dfa692e02a7", "2095de406cbe", "79e7a60e43d8", "14806cb26270"}
	}
	return []string{"9e83011d1f2a", "a1b2c3d4e5f6", "09a9e091e578", "7218aad17905", "bad1e352c597", "50737cdaee36"}
}

// snapshot is the source at one moment.
type snapshot struct {
	*Source
	dialect.Session
}

// read runs fn on a snapshot of a source whose schema is one that is understood.
func (s *Source) read(ctx context.Context, fn func(snapshot) error) error {
	return s.viewer.Read(ctx, func(session dialect.Session) error {
		snap := snapshot{s, session}
		if err := snap.check(); err != nil {
			return err
		}
		return fn(snap)
	})
}

func (s snapshot) check() error {
	tables, err := s.Tables()
	if err != nil {
		return err
	}
	if !slices.Contains(tables, "alembic_version") || !slices.Contains(tables, "flow_run") {
		return api.Errorf(api.CodeInvalid, "%s is not the database of a Prefect server. It usually is the file prefect.db in ~/.prefect, or what PREFECT_SERVER_DATABASE_CONNECTION_URL names.", s.viewer.Describe())
	}
	revision, err := s.text("select version_num from alembic_version")
	if err != nil {
		return err
	}
	if !slices.Contains(s.revisions(), revision) {
		return api.Errorf(api.CodeConflict, "The schema of %s has revision %s, and only those of Prefect 3.8 are read (%s). An older one: run `prefect server database upgrade` of Prefect 3.8.3 on it, or on a copy, and import again. A newer one needs a newer usher.",
			s.viewer.Describe(), revision, strings.Join(s.revisions(), ", "))
	}
	return nil
}

// text is the first cell of the first row, "" without a row.
func (s snapshot) text(sql string, args ...any) (text string, err error) {
	err = s.Query(sql, args, func(c dialect.Cells) error {
		text, err = c.Text(0)
		return err
	})
	return text, err
}

// count is how many rows a query has.
func (s snapshot) count(t table) (n int64, err error) {
	err = s.Query("select count(*) from "+t.source()+" t"+prefixed(" where ", t.where), nil, func(c dialect.Cells) error {
		n, err = c.Int(0)
		return err
	})
	return n, err
}

// configuration reads a setting that the source keeps in its database; into stays as it
// is without one.
func (s snapshot) configuration(key string, into any) error {
	text, err := s.text("select cast(value as text) from configuration where key = ?", key)
	if err != nil || text == "" {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

// page is a number of rows of a table, in the source's order, and the key of the last one.
type page struct {
	rows [][]any
	last string
}

// How much is read at a time.
const (
	pageRows  = 1000
	pageBytes = 8 << 20
)

// page reads the rows after a key, as many as memory is set aside for.
func (s snapshot) page(t table, after string) (p page, err error) {
	key, from, start := "t.id", "t.id > ?::uuid", any(after)
	if s.sqlite {
		n, _ := strconv.ParseInt(after, 10, 64) // "" is before the first one
		key, from, start = "t.rowid", "t.rowid > ?", n
	} else if after == "" {
		start = uuid.Nil.String()
	}
	columns := t.split()
	sql := "select " + s.selectList(key, columns) + " from " + t.source() + " t " + t.join + " where " + from + prefixed(" and ", t.where) +
		" order by " + key + " limit " + strconv.Itoa(pageRows)
	size := 0
	err = s.Query(sql, []any{start}, func(c dialect.Cells) error {
		if size > pageBytes {
			return nil // read again with the next page
		}
		row, last, bytes, err := scan(c, columns)
		if err != nil {
			return fmt.Errorf("read %s %s: %w", t.source(), last, err)
		}
		p.rows, p.last, size = append(p.rows, row), last, size+bytes
		return nil
	})
	return p, err
}

func (s snapshot) selectList(key string, columns []column) string {
	if s.sqlite {
		key = "cast(" + key + " as text)"
	} else {
		key += "::text"
	}
	list := []string{key}
	for _, c := range columns {
		list = append(list, c.selection(s.sqlite))
	}
	return strings.Join(list, ", ")
}

// scan reads a row: its key, then its columns.
func scan(c dialect.Cells, columns []column) (row []any, key string, size int, err error) {
	if key, err = c.Text(0); err != nil {
		return nil, key, 0, err
	}
	row = make([]any, len(columns))
	for i, column := range columns {
		if c.Null(i + 1) {
			continue
		}
		if row[i], err = column.kind.read(c, i+1); err != nil {
			return nil, key, 0, fmt.Errorf("column %s: %w", column.to, err)
		}
		switch v := row[i].(type) {
		case string:
			size += len(v)
		case jsontext.Value:
			size += len(v)
		}
	}
	return row, key, size, nil
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// everything has one field for each kind of value a column can hold.
type everything struct {
	Text     string
	Word     api.StateType
	Int      int
	Int64    int64
	Float    float64
	Number   api.Float
	Bool     bool
	ID       uuid.UUID
	Time     api.Time
	Duration time.Duration
	JSON     jsontext.Value
	List     []string
	IDs      []uuid.UUID
	Bytes    []byte
}

type nullable struct {
	Text     *string
	Word     *api.StateType
	Int      *int
	Int64    *int64
	Float    *float64
	Number   *api.Float
	Bool     *bool
	ID       *uuid.UUID
	Time     *api.Time
	Duration *time.Duration
	JSON     jsontext.Value
}

func (e *everything) dest() []any {
	return []any{&e.Text, &e.Word, &e.Int, &e.Int64, &e.Float, &e.Number, &e.Bool, &e.ID, &e.Time, &e.Duration, &e.JSON, &e.List, &e.IDs, &e.Bytes}
}

func (e *everything) args() []any {
	return []any{e.Text, e.Word, e.Int, e.Int64, e.Float, e.Number, e.Bool, e.ID, e.Time, e.Duration, e.JSON, e.List, e.IDs, e.Bytes}
}

func (n *nullable) dest() []any {
	return []any{&n.Text, &n.Word, &n.Int, &n.Int64, &n.Float, &n.Number, &n.Bool, &n.ID, &n.Time, &n.Duration, &n.JSON}
}

func (n *nullable) args() []any {
	return []any{n.Text, n.Word, n.Int, n.Int64, n.Float, n.Number, n.Bool, n.ID, n.Time, n.Duration, n.JSON}
}

// valuesTable has a column for each field of everything.
func valuesTable(t *testing.T, s *store.Store) {
	t.Helper()
	storetest.Write(t, s, func(tx *store.Tx) error {
		columns := "a text, b text, c bigint, d bigint, e double precision, f double precision, g boolean, h uuid, i bigint, j bigint, k json, l jsonb, m jsonb, n bytea"
		if tx.D().Name() == "sqlite" {
			columns = "a text, b text, c integer, d integer, e real, f real, g integer, h blob, i integer, j integer, k text, l text, m text, n blob"
		}
		_, err := tx.Exec("create table value_of_each (" + columns + ")")
		return err
	})
}

const insertValues = "insert into value_of_each (a, b, c, d, e, f, g, h, i, j, k, l, m, n) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

func TestEveryTypeSurvivesTheRoundTrip(t *testing.T) {
	t.Parallel()
	values := map[string]everything{
		"usual": {
			Text: "naïve 🦊 'quoted' \"?\"", Word: api.StateTypeRunning, Int: -7, Int64: 1 << 62, Float: 0.1, Number: 2.5, Bool: true,
			ID: uuid.MustParse("018f1d6e-0000-7000-8000-0123456789ab"), Time: api.At(time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)),
			Duration: 90*time.Second + time.Microsecond, JSON: jsontext.Value(`{"b": 1.0, "a": 12345678901234567890, "b2": [null]}`),
			List: []string{"x", "ü", ""}, IDs: []uuid.UUID{{1}, {2}}, Bytes: []byte{0, 1, 255},
		},
		"zero": {
			Time: api.At(time.Unix(0, 0)), JSON: jsontext.Value("0"), List: []string{}, IDs: []uuid.UUID{}, Bytes: []byte{},
		},
		"whole": {
			Float: 3, Number: -1, Time: api.At(time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)), Duration: -time.Microsecond,
			JSON: jsontext.Value(`"a \u0000 in JSON"`), List: []string{}, IDs: []uuid.UUID{}, Bytes: []byte("x"),
		},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		valuesTable(t, s)
		for name, want := range values {
			var got everything
			storetest.Write(t, s, func(tx *store.Tx) error {
				if _, err := tx.Exec("delete from value_of_each"); err != nil {
					return err
				}
				_, err := tx.Exec(insertValues, want.args()...)
				return err
			})
			storetest.Read(t, s, func(tx *store.Tx) error {
				return tx.QueryRow("select a, b, c, d, e, f, g, h, i, j, k, l, m, n from value_of_each", nil, got.dest()...)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestNullsAndPointers(t *testing.T) {
	t.Parallel()
	full := nullable{
		Text: ptr("x"), Word: ptr(api.StateTypeFailed), Int: ptr(1), Int64: ptr(int64(2)), Float: ptr(1.5), Number: ptr(api.Float(2)), Bool: ptr(false),
		ID: ptr(uuid.UUID{9}), Time: ptr(api.At(time.Unix(1, 0))), Duration: ptr(time.Second), JSON: jsontext.Value("null"),
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		valuesTable(t, s)
		for _, want := range []nullable{{}, full} {
			got := full
			storetest.Write(t, s, func(tx *store.Tx) error {
				if _, err := tx.Exec("delete from value_of_each"); err != nil {
					return err
				}
				_, err := tx.Exec("insert into value_of_each (a, b, c, d, e, f, g, h, i, j, k) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", want.args()...)
				return err
			})
			storetest.Read(t, s, func(tx *store.Tx) error {
				return tx.QueryRow("select a, b, c, d, e, f, g, h, i, j, k from value_of_each", nil, got.dest()...)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}

func TestScanRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	row := everything{Text: "x", Int: 1, Float: 1.5, Time: api.At(time.Unix(0, 0)), JSON: jsontext.Value("{}")}
	cases := map[string]struct {
		column string
		dest   any
	}{
		"null into a string": {"cast(null as text)", new(string)},
		"null into an id":    {"cast(null as text)", new(uuid.UUID)},
		"null into a time":   {"cast(null as text)", new(api.Time)},
		"text into an int":   {"a", new(int)},
		"text into a bool":   {"a", new(bool)},
		"int into a string":  {"c", new(string)},
		"int into a float":   {"c", new(float64)},
		"float into an int":  {"e", new(int)},
		"id into a string":   {"h", new(string)},
		"text into an id":    {"a", new(uuid.UUID)},
		"a struct":           {"a", new(struct{})},
		"object into a list": {"k", new([]string)},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		valuesTable(t, s)
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec(insertValues, row.args()...)
			return err
		})
		for name, c := range cases {
			err := s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
				return tx.QueryRow("select "+c.column+" from value_of_each", nil, c.dest)
			})
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func TestStatementsThatAreWrong(t *testing.T) {
	t.Parallel()
	cases := map[string]func(tx *store.Tx) error{
		"too few arguments":  func(tx *store.Tx) error { _, err := tx.Exec("delete from flow where name = ?"); return err },
		"too many arguments": func(tx *store.Tx) error { _, err := tx.Exec("delete from flow", 1); return err },
		"two statements":     func(tx *store.Tx) error { _, err := tx.Exec("delete from flow; delete from log"); return err },
		"unknown table":      func(tx *store.Tx) error { _, err := tx.Exec("delete from nothing"); return err },
		"a channel": func(tx *store.Tx) error {
			_, err := tx.Exec("delete from flow where name = ?", make(chan int))
			return err
		},
		"too few targets": func(tx *store.Tx) error { return tx.QueryRow("select 1, 2", nil, new(int)) },
		"NUL in a text":   func(tx *store.Tx) error { _, err := tx.Exec("delete from flow where name = ?", "a\x00b"); return err },
		"a query in a query": func(tx *store.Tx) error {
			return tx.Query("select 1", nil, func(*store.Row) error { return tx.QueryRow("select 2", nil, new(int)) })
		},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		for name, run := range cases {
			if err := s.Write(t.Context(), store.DefaultWorkspace, run); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestNoRows(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		err := s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
			return tx.QueryRow("select name from flow where name = ?", []any{"x"}, new(string))
		})
		if !errors.Is(err, store.ErrNoRows) {
			t.Errorf("got %v", err)
		}
	})
}

func TestConstraintsAreErrorsOfTheirKind(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		id := uuid.New()
		storetest.Write(t, s, func(tx *store.Tx) error { return insertFlow(tx, id, "one") })
		cases := []struct {
			insert     func(tx *store.Tx) error
			kind       error
			constraint string
		}{
			{func(tx *store.Tx) error { return insertFlow(tx, uuid.New(), "one") }, store.ErrConflict, "uq_flow_name"},
			{func(tx *store.Tx) error { return insertFlow(tx, id, "two") }, store.ErrConflict, "flow_pkey"},
			{func(tx *store.Tx) error { return insertInput(tx, uuid.New()) }, store.ErrForeignKey, "fk_flow_run_input_flow_run"},
		}
		for _, c := range cases {
			err := s.Write(t.Context(), store.DefaultWorkspace, c.insert)
			if !errors.Is(err, c.kind) {
				t.Errorf("%s: got %v", c.constraint, err)
			}
			if got := store.Constraint(err); got != c.constraint && got != "" {
				t.Errorf("constraint: got %q, want %q", got, c.constraint)
			}
			if errors.Is(c.kind, store.ErrConflict) && store.Constraint(err) == "" {
				t.Errorf("no name for %s", c.constraint)
			}
		}
		other := uuid.New()
		err := s.Write(t.Context(), other, func(tx *store.Tx) error { return insertFlow(tx, id, "one") })
		if err != nil {
			t.Errorf("the same id and name in another workspace: %v", err)
		}
	})
}

func TestAFailedStatementEndsTheTransactionUnlessTried(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		id := uuid.New()
		err := s.Write(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
			if err := insertFlow(tx, id, "kept"); err != nil {
				return err
			}
			_ = insertFlow(tx, id, "refused") // what a careless caller does
			return nil
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("a swallowed error: got %v", err)
		}
		if got := flowNames(t, s); len(got) != 0 {
			t.Errorf("a swallowed error left %q", got)
		}
		storetest.Write(t, s, func(tx *store.Tx) error {
			if err := insertFlow(tx, id, "kept"); err != nil {
				return err
			}
			err := tx.Try(func() error {
				if err := insertFlow(tx, uuid.New(), "undone"); err != nil {
					return err
				}
				return tx.Try(func() error { return insertFlow(tx, id, "refused") })
			})
			if !errors.Is(err, store.ErrConflict) {
				return fmt.Errorf("Try: got %w", err)
			}
			return tx.Try(func() error { return insertFlow(tx, uuid.New(), "last") })
		})
		if diff := cmp.Diff([]string{"kept", "last"}, flowNames(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInsertManyRows(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		rows := make([][]any, 1007)
		for i := range rows {
			rows[i] = flowRow(uuid.New(), fmt.Sprint("flow ", i))
		}
		for _, want := range []int64{1007, 0} {
			var added int64
			storetest.Write(t, s, func(tx *store.Tx) (err error) {
				added, err = tx.Insert("flow", flowColumns, rows, "on conflict do nothing")
				return err
			})
			if added != want {
				t.Errorf("added %d, want %d", added, want)
			}
		}
		if got := len(flowNames(t, s)); got != 1007 {
			t.Errorf("%d rows", got)
		}
	})
}

func TestDeletingKeepsWhatOutlivesItsParent(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		pool, queue, flow, run := uuid.New(), uuid.New(), uuid.New(), uuid.New()
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec("insert into work_pool (workspace_id, id, created, updated, name, type, base_job_template, storage_configuration) values (?, ?, 0, 0, 'p', 'process', '{}', '{}')", tx.Workspace(), pool)
			if err == nil {
				_, err = tx.Exec("insert into work_queue (workspace_id, id, created, updated, work_pool_id, name) values (?, ?, 0, 0, ?, 'q')", tx.Workspace(), queue, pool)
			}
			if err == nil {
				err = insertFlow(tx, flow, "f")
			}
			if err == nil {
				_, err = tx.Exec("insert into flow_run (workspace_id, id, created, updated, name, flow_id, parameters, context, empirical_policy, tags, work_queue_id, work_queue_name) values (?, ?, 0, 0, 'r', ?, '{}', '{}', '{}', '[]', ?, 'q')", tx.Workspace(), run, flow, queue)
			}
			return err
		})
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec("delete from work_pool where id = ?", pool)
			return err
		})
		var queueID *uuid.UUID
		var queues int
		storetest.Read(t, s, func(tx *store.Tx) error {
			return tx.QueryRow("select work_queue_id, (select count(*) from work_queue) from flow_run", nil, &queueID, &queues)
		})
		if queueID != nil || queues != 0 {
			t.Errorf("the run's queue is %v, %d queues are left", queueID, queues)
		}
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec("delete from flow")
			return err
		})
		err := s.Read(t.Context(), store.DefaultWorkspace, func(tx *store.Tx) error {
			return tx.QueryRow("select name from flow_run", nil, new(string))
		})
		if !errors.Is(err, store.ErrNoRows) {
			t.Errorf("the run of a deleted flow: %v", err)
		}
	})
}

func TestDialectPieces(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		storetest.Write(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec("insert into flow (workspace_id, id, created, updated, name, tags, labels) values (?, ?, 1, 2, ?, ?, ?)",
				tx.Workspace(), uuid.New(), `50%_Off\`, []string{"a", "b", "ü"}, jsontext.Value(`{"a b": {"c": ["x", "y"]}, "n": 1}`))
			return err
		})
		storetest.Read(t, s, func(tx *store.Tx) error {
			d := tx.D()
			cases := []struct {
				condition string
				args      []any
				want      bool
			}{
				{d.ILike("name"), []any{"%off%"}, true},
				{d.ILike("name"), []any{`%\`}, true},
				{d.ILike("name"), []any{"50__Off_"}, true},
				{d.ILike("name"), []any{"off"}, false},
				{d.Contains("name"), []any{"%_oFF"}, true},
				{d.Contains("name"), []any{"5__"}, false},
				{d.HasAny("tags"), []any{[]string{"z", "ü"}}, true},
				{d.HasAny("tags"), []any{[]string{"z"}}, false},
				{d.HasAny("tags"), []any{[]string{}}, false},
				{d.HasAll("tags"), []any{[]string{"b", "a"}}, true},
				{d.HasAll("tags"), []any{[]string{"a", "z"}}, false},
				{d.HasAll("tags"), []any{[]string{}}, true},
				{d.IsEmptyList("tags"), nil, false},
				{d.JSONText("labels", "a b", "c", "1") + " = ?", []any{"y"}, true},
				{d.JSONText("labels", "a b", "d") + " is null", nil, true},
				{d.Greatest("created", "updated") + " = 2", nil, true},
				{d.Least("created", "updated") + " = 1", nil, true},
			}
			for _, c := range cases {
				var n int
				if err := tx.QueryRow("select count(*) from flow where "+c.condition, c.args, &n); err != nil {
					return fmt.Errorf("%s: %w", c.condition, err)
				}
				if (n == 1) != c.want {
					t.Errorf("%s with %v: got %d", c.condition, c.args, n)
				}
			}
			return nil
		})
		storetest.Write(t, s, func(tx *store.Tx) error {
			for _, lock := range []string{tx.D().ForUpdate(), tx.D().ForUpdate("flow"), tx.D().SkipLocked("flow")} {
				if err := tx.QueryRow("select name from flow"+lock, nil, new(string)); err != nil {
					return err
				}
			}
			return tx.QueryRow("select count(*) from event where "+tx.D().Behind("event"), []any{0, 0}, new(int))
		})
	})
}

var flowColumns = strings.Split("workspace_id, id, created, updated, name, tags", ", ")

func flowRow(id uuid.UUID, name string) []any {
	return []any{store.DefaultWorkspace, id, 0, 0, name, []string{}}
}

func insertFlow(tx *store.Tx, id uuid.UUID, name string) error {
	_, err := tx.Exec("insert into flow (workspace_id, id, created, updated, name, tags) values (?, ?, 0, 0, ?, ?)", tx.Workspace(), id, name, []string{})
	return err
}

func insertInput(tx *store.Tx, run uuid.UUID) error {
	_, err := tx.Exec("insert into flow_run_input (workspace_id, id, created, updated, flow_run_id, key, value) values (?, ?, 0, 0, ?, 'k', 'v')", tx.Workspace(), uuid.New(), run)
	return err
}

func flowNames(t *testing.T, s *store.Store) (names []string) {
	t.Helper()
	storetest.Read(t, s, func(tx *store.Tx) error {
		names = nil
		return tx.Query("select name from flow where workspace_id = ? order by name", []any{tx.Workspace()}, func(row *store.Row) error {
			name := ""
			err := row.Scan(&name)
			names = append(names, name)
			return err
		})
	})
	return names
}

func ptr[T any](v T) *T { return &v }

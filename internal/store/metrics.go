package store

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/metric"
)

// RollupKey is the place of a digest.
type RollupKey struct {
	Metric string
	Level  int64 // minutes
	Series uuid.UUID
	Minute int64 // when it begins, of Unix time
}

// AddToRollups adds digests to those that are stored.
func (tx *Tx) AddToRollups(fresh map[RollupKey]*metric.Digest) error {
	keys := make([]RollupKey, 0, len(fresh))
	for key := range fresh {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, RollupKey.compare) // two servers that write the same do not wait for each other in a circle
	for _, key := range keys {
		d := fresh[key]
		where := is("workspace_id = ?\nand metric = ?\nand level = ?\nand series_id = ?\nand minute = ?", tx.workspace, key.Metric, key.Level, key.Series, key.Minute)
		list, err := many(tx, rollupColumns+"where "+where.sql, where.args, scanRollup)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			_, err = tx.Exec(`
				insert into metric_rollup (workspace_id, metric, level, series_id, minute, samples, total, squares, least, most, spread)
				values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				tx.workspace, key.Metric, key.Level, key.Series, key.Minute, d.Count, d.Sum, d.Squares, d.Least, d.Most, d.Spread())
		} else {
			sum := &list[0].Digest
			sum.Merge(d)
			args := append([]any{sum.Count, sum.Sum, sum.Squares, sum.Least, sum.Most, sum.Spread()}, where.args...)
			_, err = tx.Exec("update metric_rollup\nset samples = ?, total = ?, squares = ?, least = ?, most = ?, spread = ?\nwhere "+where.sql, args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k RollupKey) compare(o RollupKey) int {
	if c := slices.Compare([]int64{k.Level, k.Minute}, []int64{o.Level, o.Minute}); c != 0 {
		return c
	}
	return slices.Compare([]string{k.Metric, k.Series.String()}, []string{o.Metric, o.Series.String()})
}

// Rollup is a digest with its place, without the level.
type Rollup struct {
	Metric string
	Series uuid.UUID
	Minute int64
	metric.Digest
}

const rollupColumns = "select metric, series_id, minute, samples, total, squares, least, most, spread\nfrom metric_rollup\n"

func scanRollup(row *Row) (r Rollup, err error) {
	var spread []byte
	if err := row.Scan(&r.Metric, &r.Series, &r.Minute, &r.Count, &r.Sum, &r.Squares, &r.Least, &r.Most, &spread); err != nil {
		return r, err
	}
	return r, r.SetSpread(spread)
}

// seriesAtOnce is how many series one query asks for.
const seriesAtOnce = 400

// EachRollup calls each for the digests of metrics in a range, of some series.
func (tx *Tx) EachRollup(metrics []string, span metric.Range, series []uuid.UUID, each func(*Rollup) error) error {
	for some := range slices.Chunk(series, seriesAtOnce) {
		where := all(tx.own("metric_rollup"), oneOf("metric", metrics), is("level = ?", span.Level), oneOf("series_id", some), is("minute >= ?\nand minute < ?", span.From, span.To))
		err := tx.Query(rollupColumns+"where "+where.sql, where.args, func(row *Row) error {
			r, err := scanRollup(row)
			if err != nil {
				return err
			}
			return each(&r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// MetricSeries lists all series.
func (tx *Tx) MetricSeries() ([]metric.Series, error) {
	return many(tx, "select id, related\nfrom metric_series\nwhere workspace_id = ?", []any{tx.workspace}, func(row *Row) (s metric.Series, err error) {
		var related jsontext.Value
		if err = row.Scan(&s.ID, &related); err == nil {
			err = json.Unmarshal(related, &s.Related)
		}
		return s, err
	})
}

// UnknownSeries are those of some series that are not stored, and the number of those that
// are.
func (tx *Tx) UnknownSeries(ids []uuid.UUID) (unknown []uuid.UUID, stored int, err error) {
	where := all(tx.own("metric_series"), oneOf("metric_series.id", ids))
	known, err := many(tx, "select metric_series.id\nfrom metric_series\nwhere "+where.sql, where.args, scanID)
	if err != nil {
		return nil, 0, err
	}
	unknown = slices.DeleteFunc(slices.Clone(ids), func(id uuid.UUID) bool { return slices.Contains(known, id) })
	if len(unknown) > 0 {
		stored, err = tx.count("metric_series", tx.own("metric_series"))
	}
	return unknown, stored, err
}

// AddSeries stores a series, unless it is stored.
func (tx *Tx) AddSeries(s metric.Series) error {
	related, err := json.Marshal(s.Related, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert into metric_series (workspace_id, id, related)\nvalues (?, ?, ?)\non conflict do nothing", tx.workspace, s.ID, jsontext.Value(related))
	return err
}

// DeleteRollups removes the digests of a level that begin before a minute.
func (tx *Tx) DeleteRollups(metrics []string, level, before int64, series []uuid.UUID) error {
	for some := range slices.Chunk(series, seriesAtOnce) {
		where := all(tx.own("metric_rollup"), oneOf("metric", metrics), is("level = ?", level), oneOf("series_id", some), is("minute < ?", before))
		if _, err := tx.Exec("delete from metric_rollup\nwhere "+where.sql, where.args...); err != nil {
			return err
		}
	}
	return nil
}

// RunTimes are the times of some flow runs that measurements are made of.
func (tx *Tx) RunTimes(ids []uuid.UUID) (map[uuid.UUID]*metric.Run, error) {
	out := map[uuid.UUID]*metric.Run{}
	where := all(is("flow_run.workspace_id = ?", tx.workspace), oneOf("flow_run.id", ids))
	err := tx.Query("select flow_run.id, flow_run.expected_start_time, flow_run.start_time\nfrom flow_run\nwhere "+where.sql, where.args, func(row *Row) error {
		var id uuid.UUID
		r := &metric.Run{}
		if err := row.Scan(&id, &r.Expected, &r.Started); err != nil {
			return err
		}
		out[id] = r
		return nil
	})
	return out, err
}

package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Steps is a span of time in equal parts.
type Steps struct {
	Start api.Time
	Step  int64 // microseconds
	Count int
}

// HistoryGroup is how many runs of one state were expected to start within a step.
type HistoryGroup struct {
	Step     int // counted from 0
	Type     api.StateType
	Name     string
	Runs     int
	RunTime  float64 // seconds, of all of them
	Lateness float64 // seconds, of all of them
}

// runTimeAt is estimated_run_time in SQL, lateness is estimated_start_time_delta; both
// in microseconds and never negative. Each takes the present as argument. They repeat
// what rules/states computes for single runs.
const runTimeAt = `
	case
	when state_type = 'RUNNING' and state_timestamp < ? then total_run_time + (? - state_timestamp)
	else total_run_time
	end`

const latenessAt = `
	case
	when start_time > expected_start_time then start_time - expected_start_time
	when start_time is not null then 0
	when state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED') then 0
	when expected_start_time < ? then ? - expected_start_time
	else 0
	end`

// FlowRunHistory counts flow runs by step and state.
func (tx *Tx) FlowRunHistory(f Filters, s Steps, now api.Time) ([]HistoryGroup, error) {
	return tx.history("flow_run", tx.whereFlowRuns(f), s, now)
}

// TaskRunHistory counts task runs by step and state.
func (tx *Tx) TaskRunHistory(f Filters, s Steps, now api.Time) ([]HistoryGroup, error) {
	return tx.history("task_run", tx.whereTaskRuns(f), s, now)
}

func (tx *Tx) history(table string, where condition, s Steps, now api.Time) ([]HistoryGroup, error) {
	if !tx.sql.Groups() {
		return tx.historyOfRows(table, where, s, now)
	}
	c := historyQuery(table, where, s, now)
	return many(tx, c.sql, c.args, scanHistoryGroup)
}

func scanHistoryGroup(row *Row) (g HistoryGroup, err error) {
	return g, row.Scan(&g.Step, &g.Type, &g.Name, &g.Runs, &g.RunTime, &g.Lateness)
}

// within limits a query to what a history counts.
func (s Steps) within(where condition) condition {
	end := s.Start.UnixMicro() + s.Step*int64(s.Count)
	return all(where, is("expected_start_time >= ?\nand expected_start_time < ?\nand state_type is not null", s.Start, end))
}

// historyRows is historyQuery with the rows themselves.
func historyRows(table string, where condition, s Steps) condition {
	where = s.within(where)
	return is("select state_type, coalesce(state_name, ''), expected_start_time, start_time, state_timestamp, total_run_time\nfrom "+table+"\nwhere "+where.sql, where.args...)
}

// historyOfRows groups here: a hundred thousand rows are read and added up in less time
// than they are sorted in.
func (tx *Tx) historyOfRows(table string, where condition, s Steps, now api.Time) ([]HistoryGroup, error) {
	var groups []HistoryGroup
	sums := make([][]historySum, s.Count) // few states in each
	start, present := s.Start.UnixMicro(), now.UnixMicro()
	c := historyRows(table, where, s)
	err := tx.Query(c.sql, c.args, func(row *Row) error {
		run, err := row.historyRun()
		if err != nil {
			return err
		}
		step := int((run.expected - start) / s.Step)
		sum := sumOf(&sums[step], run.kind, run.name)
		sum.runs++
		sum.runTime += run.timeAt(present)
		sum.lateness += run.lateness(present)
		return nil
	})
	for step, list := range sums {
		slices.SortFunc(list, func(a, b historySum) int {
			return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
		})
		for _, sum := range list {
			groups = append(groups, HistoryGroup{
				Step: step, Type: api.StateType(sum.kind), Name: sum.name, Runs: sum.runs,
				RunTime: float64(sum.runTime) / 1e6, Lateness: float64(sum.lateness) / 1e6,
			})
		}
	}
	return groups, err
}

// historySum adds up the runs of one state within a step.
type historySum struct {
	kind, name        string
	runs              int
	runTime, lateness int64 // microseconds
}

func sumOf(list *[]historySum, kind, name []byte) *historySum {
	for i := range *list {
		if sum := &(*list)[i]; sum.kind == string(kind) && sum.name == string(name) {
			return sum
		}
	}
	*list = append(*list, historySum{kind: string(kind), name: string(name)})
	return &(*list)[len(*list)-1]
}

// historyRun is a row of historyRows; the texts are there as long as the row.
type historyRun struct {
	kind, name                      []byte
	expected, start, changed, total int64
	isStarted, isChanged            bool
}

func (r *Row) historyRun() (run historyRun, err error) {
	c := r.cells
	if run.kind, err = c.View(0); err != nil {
		return run, err
	}
	if run.name, err = c.View(1); err != nil {
		return run, err
	}
	if run.expected, err = c.Int(2); err != nil {
		return run, err
	}
	if run.isStarted = !c.Null(3); run.isStarted {
		if run.start, err = c.Int(3); err != nil {
			return run, err
		}
	}
	if run.isChanged = !c.Null(4); run.isChanged {
		if run.changed, err = c.Int(4); err != nil {
			return run, err
		}
	}
	run.total, err = c.Int(5)
	return run, err
}

// timeAt is runTimeAt of one run.
func (r *historyRun) timeAt(now int64) int64 {
	if r.isChanged && r.changed < now && api.StateType(r.kind) == api.StateTypeRunning {
		return r.total + (now - r.changed)
	}
	return r.total
}

// lateness is latenessAt of one run.
func (r *historyRun) lateness(now int64) int64 {
	if r.isStarted {
		return max(0, r.start-r.expected)
	}
	switch api.StateType(r.kind) {
	case api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCrashed, api.StateTypeCancelled:
		return 0
	}
	return max(0, now-r.expected)
}

func historyQuery(table string, where condition, s Steps, now api.Time) condition {
	where = s.within(where)
	sql := `
		select (expected_start_time - ?) / ?, state_type, coalesce(state_name, ''), count(*),
			cast(sum(` + runTimeAt + `) as double precision) / 1e6,
			cast(sum(` + latenessAt + `) as double precision) / 1e6
		from ` + table + `
		where ` + where.sql + `
		group by 1, state_type, state_name
		order by 1, state_type, state_name`
	return is(sql, append([]any{s.Start, s.Step, now, now, now, now}, where.args...)...)
}

// AverageLateness is the mean lateness of flow runs in seconds, nil when there are none.
func (tx *Tx) AverageLateness(f Filters, now api.Time) (seconds *float64, err error) {
	c := tx.latenessQuery(f, now)
	err = tx.QueryRow(c.sql, c.args, &seconds)
	return seconds, err
}

func (tx *Tx) latenessQuery(f Filters, now api.Time) condition {
	where := tx.whereFlowRuns(f)
	if f.FlowRuns == nil || f.FlowRuns.ExpectedStartTime == nil {
		// The index by expected start has all columns, but nothing to search by then. A
		// column that it lacks keeps SQLite from walking through all of it.
		where = all(where, is("flow_run.created is not null"))
	}
	return is("select cast(avg("+latenessAt+") as double precision) / 1e6\nfrom flow_run\nwhere "+where.sql, append([]any{now, now}, where.args...)...)
}

// CountTaskRunsByState counts task runs by the type of their state.
func (tx *Tx) CountTaskRunsByState(f Filters) (map[api.StateType]int, error) {
	where, counts := tx.whereTaskRuns(f), map[api.StateType]int{}
	err := tx.Query("select state_type, count(*)\nfrom task_run\nwhere "+where.sql+"\nand state_type is not null\ngroup by state_type", where.args, func(row *Row) error {
		var kind api.StateType
		var n int
		err := row.Scan(&kind, &n)
		counts[kind] = n
		return err
	})
	return counts, err
}

// TaskRunOutcomes counts task runs that have ended by the step that they started in:
// those that failed or crashed, and the others.
func (tx *Tx) TaskRunOutcomes(f Filters, s Steps) (completed, failed []int, err error) {
	completed, failed = make([]int, s.Count), make([]int, s.Count)
	where := all(tx.whereTaskRuns(f), is("start_time >= ?\nand start_time < ?", s.Start, s.Start.UnixMicro()+s.Step*int64(s.Count)))
	sql := `
		select (start_time - ?) / ?,
			sum(case when state_type in ('FAILED', 'CRASHED') then 1 else 0 end),
			count(*)
		from task_run
		where ` + where.sql + `
		group by 1`
	err = tx.Query(sql, append([]any{s.Start, s.Step}, where.args...), func(row *Row) error {
		var step, bad, count int
		err := row.Scan(&step, &bad, &count)
		failed[step], completed[step] = bad, count-bad
		return err
	})
	return completed, failed, err
}

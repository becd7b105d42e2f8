package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// The types of spans.
const (
	FlowSpan = "flow-run"
	TaskSpan = "task-run"
)

// Span is a flow run or a task run as a part of the trace of a flow run. The task run that
// stands for a subflow is none: the subflow is.
type Span struct {
	ID         uuid.UUID
	Parent     *uuid.UUID // the flow run that it ran in
	Type       string     // FlowSpan or TaskSpan
	Name       string
	About      string // the name of the flow, or the key of the task
	StateType  *string
	StateName  *string
	Start, End *api.Time
	Begin      api.Time // what spans are ordered by
	Updated    api.Time
	RunCount   int
	Tags       []string
}

// SpanPlace is where a span stands in the order of spans.
type SpanPlace struct {
	Begin api.Time
	ID    uuid.UUID
}

// SpanQuery says which spans below a flow run are meant.
type SpanQuery struct {
	Root       uuid.UUID
	Depth      int  // so many levels below it; below zero all
	WithRoot   bool // the root is one of them
	Types      []string
	StateTypes []string
	StateNames []string
	Tags       []string // all of these
	Text       string   // in the name, whatever its case
	IDs        []uuid.UUID
	Behind     *SpanPlace // those behind it in the order that is asked for
	LatestDown bool       // the latest first
}

// deepest is how deep flow runs are followed into flow runs if nothing else is said.
const deepest = 1000

// begin is what spans are ordered by: when they started, or will, or were made.
func begin(run string) string {
	return "coalesce(" + run + ".start_time, " + run + ".expected_start_time, " + run + ".created)"
}

// stands is true for a task run that stands for a subflow.
const stands = `exists (
      select 1
      from flow_run c
      where c.workspace_id = t.workspace_id
      and c.parent_task_run_id = t.id)`

// spans is the table of the spans of a trace, with its arguments.
func (tx *Tx) spans(root uuid.UUID, depth int) condition {
	if depth < 0 {
		depth = deepest
	}
	return condition{sql: `
with recursive tree (id, parent_id, depth) as (
  select id, parent_task_run_id, 0
  from flow_run
  where workspace_id = ?
  and id = ?
  union all
  select r.id, tree.id, tree.depth + 1
  from tree
  cross join task_run t
  cross join flow_run r
  where t.workspace_id = ?
  and t.flow_run_id = tree.id
  and r.workspace_id = t.workspace_id
  and r.parent_task_run_id = t.id
  and tree.depth < ?
), span as (
  select r.id, case when tree.depth = 0 then null else tree.parent_id end as parent_id, '` + FlowSpan + `' as type, r.name, f.name as about, r.state_type, r.state_name,
    r.start_time, r.end_time, ` + begin("r") + ` as begin, r.updated, r.run_count, r.tags, tree.depth, r.state_timestamp
  from tree
  join flow_run r
    on r.workspace_id = ?
    and r.id = tree.id
  join flow f
    on f.workspace_id = r.workspace_id
    and f.id = r.flow_id
  union all
  select t.id, tree.id, '` + TaskSpan + `', t.name, t.task_key, t.state_type, t.state_name,
    t.start_time, t.end_time, ` + begin("t") + `, t.updated, t.run_count, t.tags, tree.depth + 1, t.state_timestamp
  from tree
  join task_run t
    on t.workspace_id = ?
    and t.flow_run_id = tree.id
  where tree.depth < ?
  and not ` + stands + `
)`, args: []any{tx.workspace, root, tx.workspace, depth, tx.workspace, tx.workspace, depth}}
}

func (q *SpanQuery) where(d dialect.SQL) condition {
	var c []condition
	if !q.WithRoot {
		c = append(c, is("span.depth > 0"))
	}
	for _, list := range []struct {
		column string
		values []string
	}{{"span.type", q.Types}, {"span.state_type", q.StateTypes}, {"span.state_name", q.StateNames}} {
		if len(list.values) > 0 {
			c = append(c, oneOf(list.column, list.values))
		}
	}
	if len(q.IDs) > 0 {
		c = append(c, oneOf("span.id", q.IDs))
	}
	if len(q.Tags) > 0 {
		c = append(c, is(d.HasAll("span.tags"), q.Tags))
	}
	if q.Text != "" {
		c = append(c, is(d.Contains("span.name"), q.Text))
	}
	if q.Behind != nil {
		op := ">"
		if q.LatestDown {
			op = "<"
		}
		c = append(c, is("(span.begin "+op+" ? or (span.begin = ? and span.id "+op+" ?))", q.Behind.Begin, q.Behind.Begin, q.Behind.ID))
	}
	return all(c...)
}

// Spans lists up to limit spans of a trace, by when they began.
func (tx *Tx) Spans(q *SpanQuery, limit int) ([]Span, error) {
	table, where := tx.spans(q.Root, q.Depth), q.where(tx.sql)
	order := up("span.begin", "span.id")
	if q.LatestDown {
		order = down("span.begin", "span.id")
	}
	return many(tx, table.sql+`
		select span.id, span.parent_id, span.type, span.name, span.about, span.state_type, span.state_name, span.start_time, span.end_time, span.begin, span.updated, span.run_count, span.tags
		from span
		where `+where.sql+"\norder by "+order+"\nlimit ?", append(append(table.args, where.args...), limit),
		func(row *Row) (s Span, err error) {
			return s, row.Scan(&s.ID, &s.Parent, &s.Type, &s.Name, &s.About, &s.StateType, &s.StateName, &s.Start, &s.End, &s.Begin, &s.Updated, &s.RunCount, &s.Tags)
		})
}

// SpanChildren counts what ran in flow runs, by type and by type of state.
func (tx *Tx) SpanChildren(runs []uuid.UUID) (map[uuid.UUID]map[string]map[string]int, error) {
	out := map[uuid.UUID]map[string]map[string]int{}
	if len(runs) == 0 {
		return out, nil
	}
	in := oneOf("t.flow_run_id", runs)
	err := tx.Query(`
		select t.flow_run_id, case when c.id is null then '`+TaskSpan+`' else '`+FlowSpan+`' end,
			coalesce(case when c.id is null then t.state_type else c.state_type end, ''), count(*)
		from task_run t
		left join flow_run c
			on c.workspace_id = t.workspace_id
			and c.parent_task_run_id = t.id
		where t.workspace_id = ?
		and `+in.sql+"\ngroup by 1, 2, 3", append([]any{tx.workspace}, in.args...), func(row *Row) error {
		var run uuid.UUID
		var kind, state string
		var n int
		if err := row.Scan(&run, &kind, &state, &n); err != nil {
			return err
		}
		if out[run] == nil {
			out[run] = map[string]map[string]int{}
		}
		if out[run][kind] == nil {
			out[run][kind] = map[string]int{}
		}
		out[run][kind][state] += n
		return nil
	})
	return out, err
}

// FlowRunsAbove tells of flow runs, and of all that these ran in, in which flow run each ran.
func (tx *Tx) FlowRunsAbove(runs []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	out := map[uuid.UUID]uuid.UUID{}
	if len(runs) == 0 {
		return out, nil
	}
	in := oneOf("id", runs)
	err := tx.Query(`
		with recursive above (id, parent_id) as (
			select r.id, t.flow_run_id
			from flow_run r
			join task_run t
				on t.workspace_id = r.workspace_id
				and t.id = r.parent_task_run_id
			where r.workspace_id = ?
			and r.`+in.sql+`
			union
			select r.id, t.flow_run_id
			from above
			join flow_run r
				on r.workspace_id = ?
				and r.id = above.parent_id
			join task_run t
				on t.workspace_id = r.workspace_id
				and t.id = r.parent_task_run_id
		)
		select id, parent_id
		from above
		where parent_id is not null`, append(append([]any{tx.workspace}, in.args...), tx.workspace), func(row *Row) error {
		var id, parent uuid.UUID
		err := row.Scan(&id, &parent)
		out[id] = parent
		return err
	})
	return out, err
}

// SpanRun finds the run that an id is of: a flow run, or a task run with the flow run that it
// ran in. The id of a task run that stands for a subflow is that of the subflow.
func (tx *Tx) SpanRun(id uuid.UUID) (span uuid.UUID, in *uuid.UUID, err error) {
	err = tx.QueryRow(`
		select id, null
		from flow_run
		where workspace_id = ?
		and id = ?
		union all
		select coalesce(c.id, t.id), case when c.id is null then t.flow_run_id end
		from task_run t
		left join flow_run c
			on c.workspace_id = t.workspace_id
			and c.parent_task_run_id = t.id
		where t.workspace_id = ?
		and t.id = ?`, []any{tx.workspace, id, tx.workspace, id}, &span, &in)
	return span, in, err
}

// Observation asks what was seen: by a text in the name, the latest first or by name.
type Observation struct {
	Text   string
	ByName bool
	Limit  int
}

func (o *Observation) order(name, last string) string {
	if o.ByName {
		return name
	}
	return last + " desc, " + name
}

// text is true where a column contains the text of the observation.
func (o *Observation) text(d dialect.SQL, column string) condition {
	if o.Text == "" {
		return always
	}
	return is(d.Contains(column), o.Text)
}

func scanObservedState(row *Row) (s api.ObservedState, err error) {
	return s, row.Scan(&s.StateType, &s.StateName, &s.FirstSeen, &s.LastSeen)
}

// SpanStates lists the states that the runs of a trace are in.
func (tx *Tx) SpanStates(root uuid.UUID, o *Observation) ([]api.ObservedState, error) {
	table, where := tx.spans(root, -1), all(is("span.state_name is not null"), o.text(tx.sql, "span.state_name"))
	return many(tx, table.sql+`
		select span.state_type, span.state_name, min(coalesce(span.state_timestamp, span.updated)) as first_seen, max(coalesce(span.state_timestamp, span.updated)) as last_seen
		from span
		where `+where.sql+"\ngroup by 1, 2\norder by "+o.order("2", "4")+"\nlimit ?", append(append(table.args, where.args...), o.Limit), scanObservedState)
}

// ObservedStates lists the states that flow runs of the workspace are in, and when the first
// and the last of each began: it reads one end of an index for each.
func (tx *Tx) ObservedStates(o *Observation) ([]api.ObservedState, error) {
	at := func(direction string) string {
		return `(
				select coalesce(r.start_time, r.expected_start_time)
				from flow_run r
				where r.workspace_id = s.workspace_id
				and r.state_name = s.state_name
				and coalesce(r.start_time, r.expected_start_time) is not null
				order by coalesce(r.start_time, r.expected_start_time) ` + direction + `
				limit 1)`
	}
	where := all(is("tally.workspace_id = ?", tx.workspace), is("tally.state_name <> ''"), o.text(tx.sql, "tally.state_name"))
	return many(tx, `
		select seen.state_type, seen.state_name, seen.first_seen, seen.last_seen
		from (
			select s.state_type, s.state_name, `+at("asc")+` as first_seen, `+at("desc")+` as last_seen
			from (
				select tally.workspace_id, tally.state_type, tally.state_name
				from flow_run_tally tally
				where `+where.sql+`
				group by 1, 2, 3
				having sum(tally.runs) > 0) s) seen
		where seen.first_seen is not null
		order by `+o.order("seen.state_name", "seen.last_seen")+"\nlimit ?", append(where.args, o.Limit), scanObservedState)
}

// SpanTags lists how many runs of a trace have each list of tags.
func (tx *Tx) SpanTags(root uuid.UUID) (map[string]int, error) {
	table, out := tx.spans(root, -1), map[string]int{}
	return out, tx.Query(table.sql+"\nselect span.tags, count(*)\nfrom span\ngroup by span.tags", table.args, func(row *Row) error {
		return addTags(row, out)
	})
}

// TaskRunTags is SpanTags for a task run.
func (tx *Tx) TaskRunTags(id uuid.UUID) (map[string]int, error) {
	out := map[string]int{}
	return out, tx.Query("select tags, 1\nfrom task_run\nwhere workspace_id = ?\nand id = ?", []any{tx.workspace, id}, func(row *Row) error {
		return addTags(row, out)
	})
}

func addTags(row *Row, out map[string]int) error {
	var list jsontext.Value
	var n int
	if err := row.Scan(&list, &n); err != nil {
		return err
	}
	var tags []string
	err := json.Unmarshal(list, &tags)
	for _, tag := range tags {
		out[tag] += n
	}
	return err
}

func scanObservedLogger(row *Row) (l api.ObservedLogger, err error) {
	return l, row.Scan(&l.LoggerName, &l.Count, &l.FirstSeen, &l.LastSeen)
}

const loggerColumns = "select log.name, count(*), min(log.timestamp), max(log.timestamp) as last_seen\n"

// SpanLoggers lists who has written into the logs of the flow runs of a trace.
func (tx *Tx) SpanLoggers(root uuid.UUID, o *Observation) ([]api.ObservedLogger, error) {
	table, text := tx.spans(root, -1), o.text(tx.sql, "log.name")
	return many(tx, table.sql+loggerColumns+`
		from tree
		join log
			on log.workspace_id = ?
			and log.flow_run_id = tree.id
		where `+text.sql+"\ngroup by log.name\norder by "+o.order("log.name", "last_seen")+"\nlimit ?", append(append(append(table.args, tx.workspace), text.args...), o.Limit), scanObservedLogger)
}

// recentLines are the lines that ObservedLoggers looks at, of all workspaces.
const recentLines = 100_000

// ObservedLoggers lists who has written into the logs of the workspace lately: it looks at the
// last lines that were stored.
func (tx *Tx) ObservedLoggers(o *Observation) ([]api.ObservedLogger, error) {
	where := all(is(tx.sql.Plain("log.workspace_id")+" = ?", tx.workspace), is("log.seq > (select coalesce(max(seq), 0) from log) - ?", recentLines), o.text(tx.sql, "log.name"))
	return many(tx, loggerColumns+"from log\nwhere "+where.sql+"\ngroup by log.name\norder by "+o.order("log.name", "last_seen")+"\nlimit ?", append(where.args, o.Limit), scanObservedLogger)
}

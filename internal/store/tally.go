package store

import (
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// runBooks is what flow_run_tally and flow_run_tag have to know of a run that is added: its
// first state and its tags.
type runBooks struct {
	id        uuid.UUID
	stateType string
	stateName string
	tags      []string
}

// bookRuns enters runs that were added into the tally and the list of tags, where triggers
// don't.
func (tx *Tx) bookRuns(runs ...runBooks) error {
	if tx.sql.KeepsBooks() {
		return nil
	}
	var tags [][]any
	moves := map[stateCount]int{}
	for _, r := range runs {
		moves[stateCount{r.stateType, r.stateName}]++
		for i, tag := range r.tags {
			if !slices.Contains(r.tags[:i], tag) {
				tags = append(tags, []any{tx.workspace, tag, r.id})
			}
		}
	}
	if err := tx.tally(moves); err != nil || len(tags) == 0 {
		return err
	}
	_, err := tx.Insert("flow_run_tag", []string{"workspace_id", "tag", "flow_run_id"}, tags, "")
	return err
}

// stateCount is a row of the tally.
type stateCount struct{ stateType, stateName string }

// retally moves a run in the tally from one state to the next, where triggers don't.
func (tx *Tx) retally(was *api.State, is *encodedState) error {
	from, to := stateCount{}, stateCount{string(is.Type), textOf(is.Name)}
	if was != nil {
		from = stateCount{string(was.Type), textOf(was.Name)}
	}
	if tx.sql.KeepsBooks() || from == to {
		return nil
	}
	return tx.tally(map[stateCount]int{from: -1, to: 1})
}

func (tx *Tx) tally(moves map[stateCount]int) error {
	rows := make([][]any, 0, len(moves))
	for state, n := range moves {
		rows = append(rows, []any{tx.workspace, state.stateType, state.stateName, 0, n})
	}
	_, err := tx.Insert("flow_run_tally", []string{"workspace_id", "state_type", "state_name", "stripe", "runs"}, rows,
		"on conflict (workspace_id, state_type, state_name, stripe) do update set runs = runs + excluded.runs")
	return err
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// tallied is the condition on flow_run_tally of a filter on states alone, or on nothing;
// others can't be counted there.
func (tx *Tx) tallied(f Filters) (where condition, ok bool) {
	where = tx.own("flow_run_tally")
	if tx.within != nil || !reflect.DeepEqual(f, Filters{FlowRuns: f.FlowRuns}) {
		return where, false
	}
	runs := f.FlowRuns
	if runs == nil || reflect.DeepEqual(*runs, api.FlowRunFilter{}) {
		return where, true
	}
	state := runs.State
	if state == nil || runs.StartTime != nil || !onlyState(*runs) || state.Operator.Or(api.OperatorAnd) != api.OperatorAnd || !onlyAny(state.Type) || !onlyAny(state.Name) {
		return where, false
	}
	parts := append(match(tx.sql, "flow_run_tally.state_type", state.Type), match(tx.sql, "flow_run_tally.state_name", state.Name)...)
	return all(append([]condition{where}, parts...)...), true
}

// onlyAny says that m asks for nothing but one of some values.
func onlyAny[T any](m *api.Match[T]) bool {
	return m == nil || m.Any != nil && m.NotAny == nil && m.Like == nil
}

// CountFlowRuns counts what FlowRuns lists without a limit.
func (tx *Tx) CountFlowRuns(f Filters) (n int, err error) {
	if where, ok := tx.tallied(f); ok {
		err = tx.QueryRow("select cast(coalesce(sum(runs), 0) as bigint)\nfrom flow_run_tally\nwhere "+where.sql, where.args, &n)
		return n, err
	}
	where, ok, err := tx.fewTagged(f)
	if err != nil {
		return 0, err
	}
	if !ok {
		where = tx.whereFlowRuns(f)
	}
	return tx.count("flow_run", where)
}

// FlowRunsByState counts the runs of each type of state.
func (tx *Tx) FlowRunsByState() (map[api.StateType]int, error) {
	out := map[api.StateType]int{}
	where := tx.own("flow_run_tally")
	err := tx.Query("select state_type, cast(sum(runs) as bigint)\nfrom flow_run_tally\nwhere "+where.sql+"\ngroup by state_type", where.args, func(row *Row) error {
		var state string
		var n int
		err := row.Scan(&state, &n)
		if state != "" && n != 0 {
			out[api.StateType(state)] = n
		}
		return err
	})
	return out, err
}

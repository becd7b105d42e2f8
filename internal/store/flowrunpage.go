package store

import (
	"reflect"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// flowRunPage is the condition of one page of flow runs, and the order and page that
// follow it.
//
// A list of runs in one of several states, by start time, is what people watch. An index
// has each state in order, but not several of them together: a plain query walks the
// runs of all states until it has found enough, past a million of completed runs where
// few are running. So such a page is merged from a page of each state.
func (tx *Tx) flowRunPage(f Filters, sort api.FlowRunSort, limit, offset int) (where, ordered condition, err error) {
	if few, ok, err := tx.fewTagged(f); ok || err != nil {
		p := page(limit, offset)
		return few, is("\norder by "+sortedFlowRuns(tx.sql, sort)+p.sql, p.args...), err
	}
	if isWindow(f) && byStart(sort) && limit >= 0 {
		where, ordered = tx.windowPage(f, sort, limit, offset)
		return where, ordered, nil
	}
	states := eachState(f)
	if len(states) == 0 || limit < 0 || !byStart(sort) {
		p := page(limit, offset)
		return tx.whereFlowRuns(f), is("\norder by "+flowRunOrder(tx.sql, sort)+p.sql, p.args...), nil
	}
	parts := make([]string, len(states))
	var args []any
	for i, one := range states {
		c := tx.whereFlowRuns(one)
		parts[i] = "select part.id, part.start\nfrom (\n  select flow_run.id as id, " + flowRunStart(tx.sql) + " as start\n  from flow_run\n  where " + c.sql +
			"\n  order by " + flowRunOrder(tx.sql, sort) + "\n  limit ?) as part"
		args = append(append(args, c.args...), limit+offset)
	}
	merged := strings.Join(parts, "\nunion all\n")
	where, ordered = tx.pageOf(is(merged, args...), sort, limit, offset)
	return where, ordered, nil
}

func byStart(sort api.FlowRunSort) bool {
	return sort == api.FlowRunSortStartTimeAsc || sort == api.FlowRunSortStartTimeDesc
}

// pageOf is the condition and order of a page by start time of the runs that a query
// finds as id and start.
func (tx *Tx) pageOf(query condition, sort api.FlowRunSort, limit, offset int) (where, ordered condition) {
	order := late("start", "id")
	if sort == api.FlowRunSortStartTimeDesc {
		order = early("start", "id")
	}
	found := is("flow_run.id in (\nselect id\nfrom (\n"+query.sql+") as runs\norder by "+order+"\nlimit ?\noffset ?)",
		append(slices.Clone(query.args), limit, offset)...)
	return all(tx.own("flow_run"), found), is("\norder by " + sortedFlowRuns(tx.sql, sort))
}

// windowPage is the page of a filter on the expected start alone. An index has all that
// is needed to choose the runs of the page, in nearly their order: read from the right
// end, most runs are behind the page when they come.
func (tx *Tx) windowPage(f Filters, sort api.FlowRunSort, limit, offset int) (where, ordered condition) {
	c := tx.whereFlowRuns(f)
	direction := ""
	if sort == api.FlowRunSortStartTimeDesc {
		direction = " desc"
	}
	return tx.pageOf(is("select flow_run.id as id, "+flowRunStart(tx.sql)+" as start\nfrom flow_run\nwhere "+c.sql+
		"\norder by flow_run.expected_start_time"+direction+", flow_run.id"+direction+"\nlimit 9223372036854775807", c.args...), sort, limit, offset)
}

// isWindow tells a filter on the expected start alone.
func isWindow(f Filters) bool {
	runs := f.FlowRuns
	return runs != nil && runs.ExpectedStartTime != nil && (runs.ExpectedStartTime.After != nil || runs.ExpectedStartTime.Before != nil) &&
		reflect.DeepEqual(f, Filters{FlowRuns: runs}) &&
		reflect.DeepEqual(*runs, api.FlowRunFilter{Operator: runs.Operator, ExpectedStartTime: runs.ExpectedStartTime})
}

// mostStates is how many pages are worth merging.
const mostStates = 10

// eachState splits a filter on several states, and at most on the start time besides,
// into one filter for each state; other filters are not split.
func eachState(f Filters) (each []Filters) {
	runs := f.FlowRuns
	if runs == nil || runs.State == nil || !reflect.DeepEqual(f, Filters{FlowRuns: runs}) || !onlyState(*runs) {
		return nil
	}
	with := func(state api.FlowRunFilterState) {
		each = append(each, Filters{FlowRuns: &api.FlowRunFilter{State: &state, StartTime: runs.StartTime}})
	}
	switch state := *runs.State; {
	case state.Operator.Or(api.OperatorAnd) != api.OperatorAnd:
	case several(state.Type):
		for _, t := range unique(state.Type.Any) {
			with(api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{t}, NotAny: state.Type.NotAny}, Name: state.Name})
		}
	case state.Type == nil && several(state.Name):
		for _, name := range unique(state.Name.Any) {
			with(api.FlowRunFilterState{Name: &api.Match[string]{Any: []string{name}, NotAny: state.Name.NotAny}})
		}
	}
	return each
}

func onlyState(f api.FlowRunFilter) bool {
	if f.Operator.Or(api.OperatorAnd) != api.OperatorAnd {
		return false
	}
	f.Operator, f.State, f.StartTime = api.Opt[api.Operator]{}, nil, nil
	return reflect.DeepEqual(f, api.FlowRunFilter{})
}

func several[T any](m *api.Match[T]) bool {
	return m != nil && len(m.Any) > 1 && len(m.Any) <= mostStates && m.Like == nil
}

func unique[T comparable](values []T) (list []T) {
	seen := make(map[T]bool)
	for _, v := range values {
		if !seen[v] {
			seen[v], list = true, append(list, v)
		}
	}
	return list
}

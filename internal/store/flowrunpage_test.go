package store_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestMergedPagesAreThePlainOnes(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(rand.New(rand.NewPCG(3, 4)))
		w.insert(t, s)
		merged := 0
		rapid.Check(t, func(rt *rapid.T) {
			f := store.Filters{FlowRuns: &api.FlowRunFilter{Operator: drawOperator(rt), State: &api.FlowRunFilterState{
				Operator: drawOperator(rt),
				Type:     &api.Match[api.StateType]{Any: rapid.SliceOfN(rapid.SampledFrom(someStateTypes), 1, 3).Draw(rt, "type")},
				Name:     drawMatch(rt, "name", someStateNames),
			}, StartTime: drawMoment(rt, "start_time")}}
			sort := rapid.SampledFrom([]api.FlowRunSort{api.FlowRunSortStartTimeAsc, api.FlowRunSortStartTimeDesc, api.FlowRunSortNameAsc}).Draw(rt, "sort")
			limit, offset := rapid.IntRange(0, 8).Draw(rt, "limit"), rapid.IntRange(0, 8).Draw(rt, "offset")
			storetest.Read(t, s, func(tx *store.Tx) error {
				want, err := tx.SelectIDs("flow_run", tx.WhereFlowRuns(f), store.FlowRunOrder(tx.D(), sort), limit, offset)
				if err != nil {
					return err
				}
				sql, args, err := tx.FlowRunPage(f, sort, limit, offset)
				if err != nil {
					return err
				}
				if strings.Contains(sql, "union all") {
					merged++
				}
				if diff := cmp.Diff(want, queryIDs(rt, tx, sql, args)); diff != "" {
					rt.Fatalf("%s\n%v", sql, args)
				}
				return nil
			})
		})
		if merged == 0 {
			t.Error("no page was merged")
		}
	})
}

func queryIDs(t *rapid.T, tx *store.Tx, sql string, args []any) (ids []string) {
	t.Helper()
	err := tx.Query(sql, args, func(row *store.Row) error {
		var id uuid.UUID
		err := row.Scan(&id)
		ids = append(ids, string(id[:]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestAPageOfSeveralStatesReadsEachInOrder(t *testing.T) {
	t.Parallel()
	state := &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeRunning, api.StateTypePending}}}
	// As the reference's client writes it.
	f := store.Filters{FlowRuns: &api.FlowRunFilter{Operator: api.Some(api.OperatorAnd), State: state}}
	s := storetest.Open(t, storetest.SQLiteURL(t))
	var sql string
	var args []any
	storetest.Read(t, s, func(tx *store.Tx) (err error) {
		sql, args, err = tx.FlowRunPage(f, api.FlowRunSortStartTimeDesc, 200, 0)
		return err
	})
	plan := storetest.Plan(t, s, sql, args...)
	if n := strings.Count(plan, "ix_flow_run_state_type_start (workspace_id=? AND state_type=?)"); n != 2 {
		t.Errorf("the index is used %d times, not once for each state:\n%s", n, plan)
	}
	if !strings.Contains(plan, "sqlite_autoindex_flow_run_1 (workspace_id=? AND id=?)") {
		t.Errorf("the runs are not read by their ids:\n%s", plan)
	}
}

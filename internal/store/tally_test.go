package store_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestCountsAndTaggedPagesAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		w := newWorld(rand.New(rand.NewPCG(5, 6)))
		w.insert(t, s)
		storetest.Write(t, s, shuffleRuns)
		rapid.Check(t, func(rt *rapid.T) {
			f := store.Filters{FlowRuns: &api.FlowRunFilter{Operator: drawOperator(rt)}}
			if rapid.Bool().Draw(rt, "by state") {
				f.FlowRuns.State = &api.FlowRunFilterState{
					Operator: drawOperator(rt), Type: drawMatch(rt, "type", someStateTypes), Name: drawMatch(rt, "name", someStateNames),
				}
			}
			if rapid.Bool().Draw(rt, "by tag") {
				f.FlowRuns.Tags = drawTags(rt, "tags")
			}
			if rapid.Bool().Draw(rt, "by window") {
				f.FlowRuns.ExpectedStartTime = drawSpan(rt, "expected_start_time")
			}
			storetest.Read(t, s, func(tx *store.Tx) error { return samePage(rt, tx, f) })
		})
	})
}

// shuffleRuns changes states and tags and deletes runs.
func shuffleRuns(tx *store.Tx) error {
	if _, err := tx.Exec("update flow_run set state_id = id, state_timestamp = 0, state_details = '{}' where state_type is not null"); err != nil {
		return err
	}
	for _, m := range []struct {
		from, to api.StateType
		name     string
	}{{api.StateTypePending, api.StateTypeRunning, "Running"}, {api.StateTypeScheduled, api.StateTypeScheduled, "Late"}, {api.StateTypeFailed, api.StateTypeScheduled, "AwaitingRetry"}} {
		if err := moveRuns(tx, m.from, m.to, m.name); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		`update flow_run set tags = '["prod","z"]' where state_type = 'RUNNING'`,
		"update flow_run set tags = '[]' where state_type = 'COMPLETED'",
		"delete from flow_run where state_type = 'CRASHED'",
	} {
		if _, err := tx.Exec(sql); err != nil {
			return err
		}
	}
	return nil
}

func moveRuns(tx *store.Tx, from, to api.StateType, name string) error {
	var runs []uuid.UUID
	err := tx.Query("select id\nfrom flow_run\nwhere workspace_id = ?\nand state_type = ?", []any{tx.Workspace(), from}, func(row *store.Row) error {
		runs = append(runs, uuid.UUID{})
		return row.Scan(&runs[len(runs)-1])
	})
	for _, id := range runs {
		if err != nil {
			return err
		}
		var run *store.FlowRunInTransition
		if run, err = tx.LockFlowRun(id); err == nil {
			now := api.At(time.Now())
			state := &api.State{ID: uuid.New(), Type: to, Name: &name, Timestamp: now}
			err = tx.MoveFlowRun(run, &states.Decision{State: state, Run: run.Run}, now)
		}
	}
	return err
}

func samePage(t *rapid.T, tx *store.Tx, f store.Filters) error {
	sort := rapid.SampledFrom([]api.FlowRunSort{api.FlowRunSortStartTimeDesc, api.FlowRunSortStartTimeAsc, api.FlowRunSortNameAsc, api.FlowRunSortEndTimeDesc, api.FlowRunSortIDDesc}).Draw(t, "sort")
	want, err := tx.SelectIDs("flow_run", tx.WhereFlowRuns(f), store.FlowRunOrder(tx.D(), sort), 1000, 0)
	if err != nil {
		return err
	}
	if n, err := tx.CountFlowRuns(f); err != nil || n != len(want) {
		t.Fatalf("counted %d, %d are there; %v", n, len(want), err)
	}
	sql, args, err := tx.FlowRunPage(f, sort, 1000, 0)
	if err != nil {
		return err
	}
	if got := queryIDs(t, tx, sql, args); !slices.Equal(got, want) {
		t.Fatalf("the page is another one: %s\n%v", sql, args)
	}
	return nil
}

func TestRareTagsAreLookedUp(t *testing.T) {
	t.Parallel()
	f := store.Filters{FlowRuns: &api.FlowRunFilter{Tags: &api.FlowRunFilterTags{All: []string{"rare"}}}}
	s := storetest.Open(t, storetest.SQLiteURL(t))
	for _, sort := range []api.FlowRunSort{api.FlowRunSortStartTimeDesc, api.FlowRunSortStartTimeAsc, api.FlowRunSortExpectedStartTimeAsc, api.FlowRunSortNameAsc, api.FlowRunSortEndTimeDesc} {
		var sql string
		var args []any
		storetest.Read(t, s, func(tx *store.Tx) (err error) {
			sql, args, err = tx.FlowRunPage(f, sort, 200, 0)
			return err
		})
		plan := storetest.Plan(t, s, sql, args...)
		if !strings.Contains(plan, "sqlite_autoindex_flow_run_1 (workspace_id=? AND id=?)") {
			t.Errorf("the runs are not read by their ids:\n%s", plan)
		}
	}
}

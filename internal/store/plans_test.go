package store_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

func TestListsReadInTheOrderOfAnIndex(t *testing.T) {
	t.Parallel()
	one := []uuid.UUID{{1}}
	byID := &api.Match[uuid.UUID]{Any: one}
	running := &api.FlowRunFilter{State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeRunning}}}}
	late := &api.FlowRunFilter{State: &api.FlowRunFilterState{Name: &api.Match[string]{Any: []string{"Late"}}}}
	runs := []struct {
		index  string
		filter store.Filters
		sort   api.FlowRunSort
	}{
		{"ix_flow_run_start", store.Filters{}, api.FlowRunSortStartTimeDesc},
		{"ix_flow_run_start", store.Filters{}, api.FlowRunSortStartTimeAsc},
		{"ix_flow_run_expected_start", store.Filters{}, api.FlowRunSortExpectedStartTimeDesc},
		{"ix_flow_run_expected_start", store.Filters{}, api.FlowRunSortExpectedStartTimeAsc},
		{"ix_flow_run_end", store.Filters{}, api.FlowRunSortEndTimeDesc},
		{"ix_flow_run_name", store.Filters{}, api.FlowRunSortNameDesc},
		{"sqlite_autoindex_flow_run_1", store.Filters{}, api.FlowRunSortIDDesc},
		{"ix_flow_run_flow_start", store.Filters{Flows: &api.FlowFilter{ID: byID}}, api.FlowRunSortStartTimeDesc},
		{"ix_flow_run_deployment_start", store.Filters{Deployments: &api.DeploymentFilter{ID: byID}}, api.FlowRunSortStartTimeDesc},
		{"ix_flow_run_deployment_start", store.Filters{FlowRuns: &api.FlowRunFilter{DeploymentID: &api.FlowRunFilterDeploymentId{Any: one}}}, api.FlowRunSortStartTimeDesc},
		{"ix_flow_run_flow_start", store.Filters{FlowRuns: &api.FlowRunFilter{FlowID: &api.FlowRunFilterFlowId{Any: one}}}, api.FlowRunSortStartTimeDesc},
		{"ix_flow_run_deployment_start", store.Filters{FlowRuns: &api.FlowRunFilter{DeploymentVersionID: &api.FlowRunFilterDeploymentVersionId{DeploymentID: one[0], Any: one}}}, api.FlowRunSortStartTimeDesc},
		{"ix_flow_run_state_type_start", store.Filters{FlowRuns: running}, api.FlowRunSortStartTimeAsc},
		{"ix_flow_run_state_name_start", store.Filters{FlowRuns: late}, api.FlowRunSortStartTimeDesc},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		for _, c := range runs {
			sql, args := selectSQL(t, s, "flow_run", func(tx *store.Tx) store.Condition { return tx.WhereFlowRuns(c.filter) }, store.FlowRunOrder(s.Dialect(), c.sort))
			storetest.UsesIndex(t, s, c.index, sql, args...)
		}
		ofRun := store.Filters{FlowRuns: &api.FlowRunFilter{ID: byID}}
		sql, args := selectSQL(t, s, "task_run", func(tx *store.Tx) store.Condition { return tx.WhereTaskRuns(ofRun) }, store.TaskRunOrder(api.TaskRunSortExpectedStartTimeDesc))
		storetest.UsesIndex(t, s, "ix_task_run_flow_run_expected_start", sql, args...)
		sql, args = selectSQL(t, s, "log", func(tx *store.Tx) store.Condition { return tx.WhereLogs(&api.LogFilter{FlowRunID: byID}) }, store.LogOrder(api.LogSortTimestampAsc))
		storetest.UsesIndex(t, s, "ix_log_flow_run", sql, args...)
		storetest.UsesIndex(t, s, "deployment_version_of_deployment", store.DeploymentVersionsSQL+"\nlimit 10", store.DefaultWorkspace, one[0])
		storetest.Read(t, s, func(tx *store.Tx) error {
			since := api.At(time.Unix(1_700_000_000, 0))
			sql, args = tx.DeploymentPeaksSQL(one[0], &since, nil)
			return nil
		})
		if plan := storetest.Plan(t, s, sql, args...); !strings.Contains(plan, "ix_run_metric_deployment") {
			t.Errorf("peaks are not found by deployment and time:\n%s", plan)
		}
	})
}

// What looks at every run of a day must find all it needs in the index.
func TestWindowsAreReadFromTheIndexAlone(t *testing.T) {
	t.Parallel()
	after := api.At(time.Unix(1_700_000_000, 0))
	f := store.Filters{FlowRuns: &api.FlowRunFilter{ExpectedStartTime: &api.Span{After: &after}}}
	only := map[string]*regexp.Regexp{
		"sqlite":   regexp.MustCompile("USING COVERING INDEX ix_flow_run_expected_start "),
		"postgres": regexp.MustCompile("Index Only Scan (Backward )?using ix_flow_run_expected_start "),
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		if s.Dialect().Name() == "postgres" {
			manyRuns(t, s)
		}
		queries := map[string]func(tx *store.Tx) (string, []any, error){
			"page": func(tx *store.Tx) (string, []any, error) {
				return tx.FlowRunPage(f, api.FlowRunSortStartTimeDesc, 200, 0)
			},
			"history": func(tx *store.Tx) (string, []any, error) {
				return tx.HistorySQL(f, store.Steps{Start: after, Step: 1, Count: 1}, after)
			},
			"lateness": func(tx *store.Tx) (string, []any, error) { return tx.LatenessSQL(f, after) },
		}
		for name, query := range queries {
			var sql string
			var args []any
			storetest.Read(t, s, func(tx *store.Tx) (err error) {
				sql, args, err = query(tx)
				return err
			})
			if plan := storetest.Plan(t, s, sql, args...); !only[s.Dialect().Name()].MatchString(plan) {
				t.Errorf("%s does not read the index alone:\n%s\n%s", name, plan, sql)
			}
		}
	})
}

// manyRuns makes runs from which PostgreSQL knows that few are in a window: in an empty table
// it takes any index.
func manyRuns(t *testing.T, s *store.Store) {
	t.Helper()
	flow := uuid.New()
	storetest.Write(t, s, func(tx *store.Tx) error {
		if err := insertFlow(tx, flow, "f"); err != nil {
			return err
		}
		_, err := tx.Exec(`
insert into flow_run (workspace_id, id, created, updated, name, flow_id, parameters, context, empirical_policy, tags, expected_start_time, state_type, state_name)
select ?, gen_random_uuid(), 1, 1, 'r', ?, '{}', '{}', '{}', '[]', 1690000000000000 + n * 5000000000, 'COMPLETED', 'Completed'
from generate_series(1, 2001) n`, store.DefaultWorkspace, flow)
		if err == nil {
			_, err = tx.Exec("analyze flow_run")
		}
		return err
	})
}

func TestLatenessWithoutAWindowSearchesByState(t *testing.T) {
	t.Parallel()
	f := store.Filters{FlowRuns: &api.FlowRunFilter{State: &api.FlowRunFilterState{Name: &api.Match[string]{Any: []string{"Late"}}}}}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		var sql string
		var args []any
		storetest.Read(t, s, func(tx *store.Tx) (err error) {
			sql, args, err = tx.LatenessSQL(f, api.At(time.Unix(1_700_000_000, 0)))
			return err
		})
		storetest.UsesIndex(t, s, "ix_flow_run_state_name_start", sql, args...)
	})
}

func TestServicesReadThroughTheirIndexes(t *testing.T) {
	t.Parallel()
	id, now := uuid.UUID{1}, 0
	queries := []struct {
		index, sql string
		args       []any
	}{
		{"ix_flow_run_queue", `
select id
from flow_run
where workspace_id = ?
and work_queue_id = ?
and state_type = 'SCHEDULED'
and next_scheduled_start_time <= ?
order by next_scheduled_start_time
limit 10`, []any{id, id, now}},
		{"ix_flow_run_queue", `
select count(*)
from flow_run
where workspace_id = ?
and work_queue_id = ?
and state_type in ('PENDING', 'RUNNING')`, []any{id, id}},
		{"ix_flow_run_late", `
select id
from flow_run
where workspace_id = ?
and state_type = 'SCHEDULED'
and state_name = 'Scheduled'
and next_scheduled_start_time <= ?
order by next_scheduled_start_time`, []any{id, now}},
		{"ix_flow_run_schedule", `
select max(next_scheduled_start_time)
from flow_run
where workspace_id = ?
and deployment_id = ?
and schedule_id = ?
and state_type = 'SCHEDULED'
and auto_scheduled`, []any{id, id, id}},
		{"ix_flow_run_cancelling", `
select id
from flow_run
where workspace_id = ?
and state_type = 'CANCELLING'
and state_timestamp <= ?
order by state_timestamp`, []any{id, now}},
		{"ix_event_occurred", `
select id
from event
where workspace_id = ?
and occurred < ?
order by occurred
limit 200`, []any{id, now}},
		{"ix_flow_run_end", `
select id
from flow_run
where workspace_id = ?
and end_time < ?
and state_type in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
and parent_task_run_id is null
order by end_time
limit 200`, []any{id, now}},
		{"ix_cleanup_message_pool", `
select id
from cleanup_message
where workspace_id = ?
and work_pool_id = ?
and reserved_until <= ?`, []any{id, id, now}},
		{"ix_flow_run_crashed", `
select t.id
from flow_run r
cross join task_run t
where r.workspace_id = ?
and r.state_type = 'CRASHED'
and r.end_time > ?
and t.workspace_id = r.workspace_id
and t.flow_run_id = r.id
and t.state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
order by r.end_time`, []any{id, now}},
		{"ix_task_run_flow_run_state", `
select t.id
from flow_run r
cross join task_run t
where r.workspace_id = ?
and r.state_type = 'CRASHED'
and r.id = ?
and t.workspace_id = r.workspace_id
and t.flow_run_id = r.id
and t.state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
order by r.end_time`, []any{id, id}},
		{"ix_flow_run_schedule_begun", store.BegunSiblingsSQL, []any{id, id, id, id, id, id, id}},
		{"ix_flow_run_schedule", store.BegunSiblingsSQL, []any{id, id, id, id, id, id, id}},
		{"ix_flow_run_schedule", store.EarlierSiblingsSQL, []any{id, id, id, now}},
		{"ix_flow_run_schedule", store.WaitingSiblingsSQL, []any{id, id, id}},
		{"ix_flow_run_heartbeat_due", store.SilentRunsSQL, []any{id, now, now, 10}},
		{"ix_log_flow_run", store.LogsBehindSQL, []any{id, id, now, now, 0, 100}},
		{"sqlite_autoindex_block_document_1", store.SecretsWithoutSQL, []any{id, id, "v2:1:%", 100}},
		{"ix_automation_action_due", `
select id
from automation_action
where workspace_id = ?
and due <= ?
order by due, id
limit 16`, []any{id, now}},
		{"ix_sla_owner", `
select automation_id
from sla
where workspace_id = ?
and owner_resource = ?`, []any{id, "prefect.deployment.x"}},
		{"ix_automation_bucket_end", `
select trigger_id
from automation_bucket
where workspace_id = ?
and window_end <= ?`, []any{id, now}},
		{"ix_automation_bucket_trigger_end", `
select min(window_end)
from automation_bucket
where workspace_id = ?
and trigger_id = ?
and window_end > ?`, []any{id, id, now}},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		for _, q := range queries {
			storetest.UsesIndex(t, s, q.index, q.sql, q.args...)
		}
		timeout := s.Dialect().JSONText("state_details", "pause_timeout")
		storetest.UsesIndex(t, s, "ix_flow_run_paused", `
select id
from flow_run
where workspace_id = ?
and state_type = 'PAUSED'
and `+timeout+` is not null
order by `+timeout+`, id
limit 10`, id)
		storetest.UsesIndex(t, s, "ix_flow_run_deployment_start", store.LaterSiblingsSQL(s.Dialect()), id, id, now, now, now, id)
		place := "ix_event_place"
		if s.Dialect().Name() == "sqlite" {
			place = "USING INTEGER PRIMARY KEY"
			storetest.UsesIndex(t, s, place, store.OldEventsNamedSQL(s.Dialect()), id, "e:x", "x", now, 10)
		}
		storetest.UsesIndex(t, s, place, store.EventHeadsSQL(s.Dialect()), id, 0, 0, 1000)
		storetest.UsesIndex(t, s, "ix_event_occurred", store.OldEventsSQL(), id, now, 10)
	})
}

func selectSQL(t *testing.T, s *store.Store, table string, where func(*store.Tx) store.Condition, order string) (sql string, args []any) {
	t.Helper()
	storetest.Read(t, s, func(tx *store.Tx) error {
		sql, args = tx.SelectSQL("name", table, where(tx), order)
		return nil
	})
	return sql, args
}

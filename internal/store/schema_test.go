package store_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// TestEveryFieldHasAColumn compares the contract's answers with the tables they come
// from. derived are the fields that are computed or read from another table.
func TestEveryFieldHasAColumn(t *testing.T) {
	t.Parallel()
	tables := []struct {
		table   string
		answer  any
		derived string
	}{
		{"flow", api.Flow{}, "account_id"},
		{"flow_run", api.FlowRunResponse{}, "estimated_run_time estimated_start_time_delta flow_name state work_pool_id work_pool_name"},
		{"flow_run_state", api.State{}, ""},
		{"flow_run_input", api.FlowRunInput{}, ""},
		{"task_run", api.TaskRun{}, "estimated_run_time estimated_start_time_delta state"},
		{"task_run_state", api.State{}, ""},
		{"deployment", api.DeploymentResponse{}, "account_id base concurrency_limit global_concurrency_limit root schedules work_pool_name"},
		{"deployment_schedule", api.DeploymentSchedule{}, "account_id"},
		{"work_pool", api.WorkPoolResponse{}, "active_slots is_mex_pool is_push_pool last_polled"},
		{"work_queue", api.WorkQueueResponse{}, "active_slots work_pool work_pool_name"},
		{"worker", api.WorkerResponse{}, ""},
		{"concurrency_limit", api.ConcurrencyLimit{}, "account_id"},
		{"concurrency_limit_v2", api.ConcurrencyLimitV2{}, ""},
		{"log", api.Log{}, "updated"},
		{"artifact", api.Artifact{}, ""},
		{"artifact_collection", api.ArtifactCollection{}, ""},
		{"variable", api.Variable{}, ""},
		{"block_type", api.BlockType{}, ""},
		{"block_schema", api.BlockSchema{}, "block_type"},
		{"block_document", api.BlockDocument{}, "block_document_references block_schema block_type"},
		{"saved_search", api.SavedSearch{}, ""},
		{"csrf_token", api.CsrfToken{}, ""},
		{"event", api.ReceivedEvent{}, "account workspace"},
		{"automation", api.Automation{}, "account account_id workspace"},
	}
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		columns := columnsOf(t, s)
		for _, c := range tables {
			for _, field := range fieldsOf(reflect.TypeOf(c.answer)) {
				derived := slices.Contains(strings.Fields(c.derived), field)
				if has := slices.Contains(columns[c.table], field); has == derived {
					t.Errorf("%s.%s: has a column %v, derived %v", c.table, field, has, derived)
				}
			}
		}
	})
}

// Every table has its workspace, but those above workspaces, and both databases have the same tables but for what
// orders rows in PostgreSQL.
func TestTheSchemasOfBothDatabasesAreTheSame(t *testing.T) {
	t.Parallel()
	sqlite := columnsOf(t, storetest.Open(t, storetest.SQLiteURL(t)))
	postgres := columnsOf(t, storetest.Open(t, testkit.PostgresURL(t)))
	for table, columns := range postgres {
		postgres[table] = slices.DeleteFunc(columns, func(c string) bool { return c == "txid" })
		if !slices.Contains(store.AboveWorkspaces, table) && !slices.Contains(columns, "workspace_id") {
			t.Errorf("%s has no workspace", table)
		}
	}
	if diff := cmp.Diff(sqlite, postgres); diff != "" {
		t.Errorf("(-sqlite +postgres):\n%s", diff)
	}
}

func columnsOf(t *testing.T, s *store.Store) map[string][]string {
	t.Helper()
	sql := `
select m.name, c.name
from sqlite_schema as m, pragma_table_info(m.name) as c
where m.type = 'table'
and m.name <> 'sqlite_sequence'`
	if s.Dialect().Name() == "postgres" {
		sql = `
select table_name::text, column_name::text
from information_schema.columns
where table_schema = 'public'`
	}
	columns := make(map[string][]string)
	storetest.Read(t, s, func(tx *store.Tx) error {
		return tx.Query(sql, nil, func(row *store.Row) error {
			var table, column string
			err := row.Scan(&table, &column)
			columns[table] = append(columns[table], column)
			return err
		})
	})
	for _, names := range columns {
		slices.Sort(names)
	}
	return columns
}

func fieldsOf(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

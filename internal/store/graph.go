package store

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// GraphRun is a task run of a flow run, or the subflow run that it stands for, as a
// graph shows it.
type GraphRun struct {
	TaskRunID uuid.UUID
	Subflow   *uuid.UUID
	Label     string
	StateType *api.StateType
	Start     *api.Time
	End       *api.Time
	Inputs    jsontext.Value // the task_inputs of the task run
}

// GraphRuns lists the task runs and subflows of a flow run that have a time to start at,
// in the order of it.
func (tx *Tx) GraphRuns(flowRun uuid.UUID) ([]GraphRun, error) {
	return many(tx, `
		select
			t.id, c.id, coalesce(f.name || ' / ' || c.name, t.name),
			case when c.id is null then t.state_type else c.state_type end,
			coalesce(c.start_time, c.expected_start_time, t.start_time, t.expected_start_time) as start,
			coalesce(c.end_time, t.end_time, case when t.state_type = 'COMPLETED' then t.expected_start_time end) as finish,
			t.task_inputs
		from task_run t
		left join flow_run c
			on c.workspace_id = t.workspace_id
			and c.parent_task_run_id = t.id
		left join flow f
			on f.workspace_id = c.workspace_id
			and f.id = c.flow_id
		where t.workspace_id = ?
		and t.flow_run_id = ?
		and coalesce(c.start_time, c.expected_start_time, t.start_time, t.expected_start_time) is not null
		order by start, finish nulls last, t.id`, []any{tx.workspace, flowRun}, func(row *Row) (r GraphRun, err error) {
		return r, row.Scan(&r.TaskRunID, &r.Subflow, &r.Label, &r.StateType, &r.Start, &r.End, &r.Inputs)
	})
}

// GraphArtifact is an artifact as a graph shows it, with the task run that made it.
type GraphArtifact struct {
	api.GraphArtifact
	TaskRunID *uuid.UUID
}

// GraphArtifacts lists up to limit artifacts of a flow run, without results, the oldest
// first.
func (tx *Tx) GraphArtifacts(flowRun uuid.UUID, limit int) ([]GraphArtifact, error) {
	return many(tx, `
		select a.id, a.created, a.key, a.type, (a.key is null or c.id is not null), case when a.type = 'progress' then a.data end, a.task_run_id
		from artifact a
		left join artifact_collection c
			on c.workspace_id = a.workspace_id
			and c.latest_id = a.id
		where a.workspace_id = ?
		and a.flow_run_id = ?
		and a.type <> 'result'
		order by a.created, a.id
		limit ?`, []any{tx.workspace, flowRun, limit}, func(row *Row) (a GraphArtifact, err error) {
		return a, row.Scan(&a.ID, &a.Created, &a.Key, &a.Type, &a.IsLatest, &a.Data, &a.TaskRunID)
	})
}

// FlowRunSpan returns when a flow run started, or is expected to, and when it ended.
func (tx *Tx) FlowRunSpan(id uuid.UUID) (start, end *api.Time, err error) {
	err = tx.QueryRow(`
		select coalesce(start_time, expected_start_time), end_time
		from flow_run
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, id}, &start, &end)
	return start, end, err
}

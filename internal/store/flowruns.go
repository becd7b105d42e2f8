package store

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/states"
)

const flowRunColumns = `
select
	flow_run.id, flow_run.created, flow_run.updated, flow_run.name, flow_run.flow_id, flow_run.deployment_id, flow_run.deployment_version, flow_run.flow_version,
	flow_run.parameters, flow_run.context, flow_run.job_variables, flow_run.empirical_policy, flow_run.tags, flow_run.labels, flow_run.idempotency_key, flow_run.parent_task_run_id,
	flow_run.work_queue_id, coalesce(q.name, flow_run.work_queue_name), p.id, p.name,
	flow_run.run_count, flow_run.expected_start_time, flow_run.next_scheduled_start_time, flow_run.start_time, flow_run.end_time, flow_run.total_run_time,
	flow_run.auto_scheduled, flow_run.created_by, flow_run.infrastructure_document_id, flow_run.infrastructure_pid,
	flow_run.deployment_version_id, flow_run.deployment_version_info,
	flow_run.state_id, flow_run.state_type, flow_run.state_name, flow_run.state_timestamp, flow_run.state_message, flow_run.state_data, flow_run.state_details
`

const flowRunTables = `
from flow_run
left join work_queue q
	on q.workspace_id = flow_run.workspace_id
	and q.id = flow_run.work_queue_id
left join work_pool p
	on p.workspace_id = q.workspace_id
	and p.id = q.work_pool_id
`

// flowRunsAt scans flow runs as they are at a time, which their estimates depend on. What
// it returns is for the rows of one query: they share what they are scanned into.
func flowRunsAt(now api.Time) func(*Row) (api.FlowRunResponse, error) { return scanFlowRuns(now, true) }

// waitingRunsAt is flowRunsAt without the details of the states: they are long for runs
// that wait for a time, and workers do not get them.
func waitingRunsAt(now api.Time) func(*Row) (api.FlowRunResponse, error) {
	return scanFlowRuns(now, false)
}

func scanFlowRuns(now api.Time, withDetails bool) func(*Row) (api.FlowRunResponse, error) {
	var (
		run                        api.FlowRunResponse
		total                      time.Duration
		policy, createdBy, version passing
		state                      storedState
	)
	dest := append([]any{
		&run.ID, &run.Created, &run.Updated, &run.Name, &run.FlowID, &run.DeploymentID, &run.DeploymentVersion, &run.FlowVersion,
		&run.Parameters, &run.Context, &run.JobVariables, &policy, &run.Tags, &run.Labels, &run.IdempotencyKey, &run.ParentTaskRunID,
		&run.WorkQueueID, &run.WorkQueueName, &run.WorkPoolID, &run.WorkPoolName,
		&run.RunCount, &run.ExpectedStartTime, &run.NextScheduledStartTime, &run.StartTime, &run.EndTime, &total,
		&run.AutoScheduled, &createdBy, &run.InfrastructureDocumentID, &run.InfrastructurePID,
		&run.DeploymentVersionID, &version,
	}, state.dest()...)
	if !withDetails {
		dest[len(dest)-1] = nil
	}
	return func(row *Row) (_ api.FlowRunResponse, err error) {
		run = api.FlowRunResponse{}
		if err := row.Scan(dest...); err != nil {
			return run, err
		}
		if run.EmpiricalPolicy, err = decodePolicy(policy); err != nil {
			return run, err
		}
		if run.CreatedBy, err = optional[api.CreatedBy](createdBy); err != nil {
			return run, err
		}
		if run.DeploymentVersionInfo, err = optional[api.VersionInfo](version); err != nil {
			return run, err
		}
		if run.State, err = state.state(); run.State != nil {
			run.StateID, run.StateType, run.StateName = &run.State.ID, &run.State.Type, run.State.Name
		}
		estimate(&run, total, now)
		return run, err
	}
}

// optional reads a JSON column that may be null.
func optional[T any](text []byte) (*T, error) {
	if len(text) == 0 {
		return nil, nil
	}
	v := new(T)
	return v, json.Unmarshal(text, v)
}

func estimate(run *api.FlowRunResponse, total time.Duration, now api.Time) {
	facts := states.Run{ExpectedStartTime: run.ExpectedStartTime, StartTime: run.StartTime, TotalRunTime: total}
	run.TotalRunTime = api.Seconds(total)
	run.EstimatedRunTime = api.Seconds(states.EstimatedRunTime(&facts, run.State, now.Time))
	run.EstimatedStartTimeDelta = api.Seconds(states.Lateness(&facts, run.State, now.Time))
}

// FlowRun returns a flow run by its id, as it is at now.
func (tx *Tx) FlowRun(id uuid.UUID, now api.Time) (*api.FlowRunResponse, error) {
	return one(tx, flowRunColumns+flowRunTables+`
		where flow_run.workspace_id = ?
		and flow_run.id = ?`, []any{tx.workspace, id}, flowRunsAt(now))
}

// FlowRunByKey returns the run of a flow that was made with an idempotency key.
func (tx *Tx) FlowRunByKey(flow uuid.UUID, key string, now api.Time) (*api.FlowRunResponse, error) {
	return one(tx, flowRunColumns+flowRunTables+`
		where flow_run.workspace_id = ?
		and flow_run.flow_id = ?
		and flow_run.idempotency_key = ?`, []any{tx.workspace, flow, key}, flowRunsAt(now))
}

// NewFlowRun is a flow run that is not stored yet: what it is, with the first state that
// was decided for it.
type NewFlowRun struct {
	*api.FlowRunResponse
	ScheduleID *uuid.UUID // of the schedule that asks for it
	First      *states.Decision
}

// InsertFlowRun adds a flow run, with its first state, unless the flow has one of the
// same idempotency key; isNew tells.
func (tx *Tx) InsertFlowRun(r *NewFlowRun) (isNew bool, err error) {
	run, moved := r.FlowRunResponse, &r.First.Run
	policy := jsontext.Value(moved.FlowPolicy.AppendJSON(make([]byte, 0, len(usualPolicy))))
	createdBy, err := optionalJSON(run.CreatedBy)
	if err != nil {
		return false, err
	}
	version, err := optionalJSON(run.DeploymentVersionInfo)
	if err != nil {
		return false, err
	}
	state, err := encodeState(r.First.State)
	if err != nil {
		return false, err
	}
	added, err := tx.Exec(`
		insert into flow_run (
			workspace_id, id, created, updated, name, flow_id, deployment_id, deployment_version, flow_version,
			parameters, context, job_variables, empirical_policy, tags, labels, idempotency_key, parent_task_run_id,
			work_queue_id, work_queue_name, run_count, expected_start_time, next_scheduled_start_time, start_time, end_time, total_run_time,
			auto_scheduled, schedule_id, created_by, infrastructure_document_id, infrastructure_pid,
			deployment_version_id, deployment_version_info,
			state_id, state_type, state_name, state_timestamp, state_message, state_data, state_details)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, flow_id, idempotency_key) where idempotency_key is not null do nothing`,
		tx.workspace, run.ID, run.Created, run.Updated, run.Name, run.FlowID, run.DeploymentID, run.DeploymentVersion, run.FlowVersion,
		run.Parameters, run.Context, run.JobVariables, policy, run.Tags, run.Labels, run.IdempotencyKey, run.ParentTaskRunID,
		run.WorkQueueID, run.WorkQueueName, moved.RunCount, moved.ExpectedStartTime, moved.NextScheduledStartTime, moved.StartTime, moved.EndTime, moved.TotalRunTime,
		run.AutoScheduled, r.ScheduleID, createdBy, run.InfrastructureDocumentID, run.InfrastructurePID,
		run.DeploymentVersionID, version,
		state.ID, state.Type, state.Name, state.Timestamp, state.Message, state.data, state.details)
	if err != nil || added == 0 {
		return false, err
	}
	if err := tx.bookRuns(runBooks{run.ID, string(state.Type), textOf(state.Name), run.Tags}); err != nil {
		return false, err
	}
	return true, tx.insertFlowRunState(run.ID, state)
}

// FlowRuns lists flow runs as they are at now.
func (tx *Tx) FlowRuns(f Filters, sort api.FlowRunSort, limit, offset int, now api.Time) ([]api.FlowRunResponse, error) {
	where, ordered, err := tx.flowRunPage(f, sort, limit, offset)
	if err != nil {
		return nil, err
	}
	return upTo(tx, limit, flowRunColumns+flowRunTables+"where "+where.sql+ordered.sql, append(where.args, ordered.args...), flowRunsAt(now))
}

// FlowRunIDs lists the ids of up to limit flow runs, the newest first.
func (tx *Tx) FlowRunIDs(f Filters, limit int) ([]uuid.UUID, error) {
	return tx.ids("flow_run", tx.whereFlowRuns(f), limit)
}

// UpdateFlowRun writes columns of a flow run.
func (tx *Tx) UpdateFlowRun(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("flow_run", id, sets))
}

// DeleteFlowRun removes a flow run with its task runs, states and inputs.
func (tx *Tx) DeleteFlowRun(id uuid.UUID) error { return known(tx.deleteRow("flow_run", id)) }

// FlowRunLabels returns the labels of a flow run.
func (tx *Tx) FlowRunLabels(id uuid.UUID) (labels jsontext.Value, err error) {
	err = tx.QueryRow(`
		select labels
		from flow_run
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, id}, &labels)
	return labels, err
}

// DeleteFlowRunsOf removes up to limit runs of a flow and says how many.
func (tx *Tx) DeleteFlowRunsOf(flow uuid.UUID, limit int) (int64, error) {
	return tx.Exec(`
		delete from flow_run
		where workspace_id = ?
		and id in (
			select id
			from flow_run
			where workspace_id = ?
			and flow_id = ?
			limit ?)`, tx.workspace, tx.workspace, flow, limit)
}

// DeleteFlowRunLogs removes up to limit logs of a flow run and says how many.
func (tx *Tx) DeleteFlowRunLogs(id uuid.UUID, limit int) (int64, error) {
	return tx.deleteLogs("flow_run_id", id, limit)
}

// DeleteTaskRunLogs removes up to limit logs of a task run and says how many.
func (tx *Tx) DeleteTaskRunLogs(id uuid.UUID, limit int) (int64, error) {
	return tx.deleteLogs("task_run_id", id, limit)
}

func (tx *Tx) deleteLogs(column string, run uuid.UUID, limit int) (int64, error) {
	return tx.Exec(`
		delete from log
		where seq in (
			select seq
			from log
			where `+column+` = ?
			and workspace_id = ?
			limit ?)`, run, tx.workspace, limit)
}

// FlowRunName returns the name of a flow run.
func (tx *Tx) FlowRunName(id uuid.UUID) (name string, err error) {
	err = tx.QueryRow(`
		select name
		from flow_run
		where workspace_id = ?
		and id = ?`, []any{tx.workspace, id}, &name)
	return name, err
}

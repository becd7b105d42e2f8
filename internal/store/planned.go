package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// ScheduleSource is an active schedule with what its runs take from the deployment.
type ScheduleSource struct {
	ID                       uuid.UUID
	Schedule                 jsontext.Value
	Parameters               jsontext.Value
	Slug                     *string
	Policy                   jsontext.Value // empty: none
	PlannedAt                *api.Time      // when its runs were planned last
	DeploymentID             uuid.UUID
	FlowID                   uuid.UUID
	Version                  *string
	VersionID                *uuid.UUID
	VersionInfo              jsontext.Value // empty: none
	DeploymentParameters     jsontext.Value
	Tags                     []string
	Labels                   jsontext.Value
	WorkQueueID              *uuid.UUID
	WorkQueueName            *string
	InfrastructureDocumentID *uuid.UUID
}

// ScheduleSources returns the active schedules of deployments, those of paused ones only
// if asked for, and keeps others from changing the deployments until the transaction ends.
func (tx *Tx) ScheduleSources(deployments []uuid.UUID, withPaused bool) ([]ScheduleSource, error) {
	where := is("s.workspace_id = ?\nand s.active\nand "+dialect.In("s.deployment_id", len(deployments)), dialect.Pad([]any{tx.workspace}, deployments)...)
	if !withPaused {
		where = all(where, is("not d.paused"))
	}
	where = all(where, is("not d.disabled"))
	// Who pauses a deployment meanwhile waits, and takes back the runs that are made now.
	return many(tx, `
		select s.id, s.schedule, s.parameters, s.slug, s.policy, s.planned_at, d.id, d.flow_id, d.version, d.version_id, d.version_info, d.parameters, d.tags, d.labels,
		  d.work_queue_id, coalesce(q.name, d.work_queue_name), d.infrastructure_document_id
		from deployment_schedule s
		join deployment d on d.workspace_id = s.workspace_id and d.id = s.deployment_id
		left join work_queue q on q.workspace_id = d.workspace_id and q.id = d.work_queue_id
		where `+where.sql+"\norder by s.deployment_id, s.id"+tx.D().ForUpdate("d"), where.args, func(row *Row) (s ScheduleSource, err error) {
		return s, row.Scan(&s.ID, &s.Schedule, &s.Parameters, &s.Slug, &s.Policy, &s.PlannedAt, &s.DeploymentID, &s.FlowID, &s.Version, &s.VersionID, &s.VersionInfo, &s.DeploymentParameters,
			&s.Tags, &s.Labels, &s.WorkQueueID, &s.WorkQueueName, &s.InfrastructureDocumentID)
	})
}

// PlannedRun is a flow run that a schedule asks for.
type PlannedRun struct {
	Source     *ScheduleSource
	ID         uuid.UUID
	StateID    uuid.UUID
	Name       string
	At         api.Time
	Parameters jsontext.Value
	Labels     jsontext.Value
	Tags       []string
	CreatedBy  jsontext.Value
	Key        string // the idempotency key: one run for one instant of a schedule
}

const plannedMessage = "Flow run scheduled"

// InsertPlannedRuns adds the runs that are not there yet, in state Scheduled, and returns
// them.
func (tx *Tx) InsertPlannedRuns(runs []PlannedRun, now api.Time) ([]PlannedRun, error) {
	policy, err := json.Marshal(api.NewFlowRunPolicy())
	if err != nil {
		return nil, err
	}
	rows, ids := make([][]any, len(runs)), make([]uuid.UUID, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
		rows[i] = tx.plannedRow(&r, jsontext.Value(policy), now)
	}
	_, err = tx.Insert("flow_run", []string{
		"workspace_id", "id", "created", "updated", "name", "flow_id", "deployment_id", "deployment_version", "deployment_version_id", "deployment_version_info", "parameters", "context",
		"job_variables", "empirical_policy", "tags", "labels", "idempotency_key", "work_queue_id", "work_queue_name",
		"expected_start_time", "next_scheduled_start_time", "auto_scheduled", "schedule_id", "created_by", "infrastructure_document_id",
		"state_id", "state_type", "state_name", "state_timestamp", "state_message", "state_details",
	}, rows, "on conflict (workspace_id, flow_id, idempotency_key) where idempotency_key is not null do nothing")
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	made, err := tx.madeOf(runs, ids)
	if err != nil {
		return nil, err
	}
	books := make([]runBooks, len(made))
	for i, r := range made {
		books[i] = runBooks{r.ID, string(api.StateTypeScheduled), "Scheduled", r.Tags}
	}
	if err := tx.bookRuns(books...); err != nil {
		return nil, err
	}
	return made, tx.insertPlannedStates(made, now)
}

func (tx *Tx) plannedRow(r *PlannedRun, policy jsontext.Value, now api.Time) []any {
	none := jsontext.Value("{}")
	return []any{
		tx.workspace, r.ID, now, now, r.Name, r.Source.FlowID, r.Source.DeploymentID, r.Source.Version, r.Source.VersionID, r.Source.VersionInfo, r.Parameters, none,
		none, policy, r.Tags, r.Labels, r.Key, r.Source.WorkQueueID, r.Source.WorkQueueName,
		r.At, r.At, true, r.Source.ID, r.CreatedBy, r.Source.InfrastructureDocumentID,
		r.StateID, api.StateTypeScheduled, "Scheduled", now, plannedMessage, r.details(),
	}
}

func (r *PlannedRun) details() jsontext.Value {
	return jsontext.Value(`{"scheduled_time":"` + r.At.UTC().Format("2006-01-02T15:04:05.999999Z") + `","deferred":false}`)
}

// madeOf picks the runs that were really added.
func (tx *Tx) madeOf(runs []PlannedRun, ids []uuid.UUID) ([]PlannedRun, error) {
	there := map[uuid.UUID]bool{}
	const most = 4096
	for len(ids) > 0 {
		n := min(len(ids), most)
		some, err := many(tx, "select id\nfrom flow_run\nwhere workspace_id = ?\nand "+dialect.In("id", n), dialect.Pad([]any{tx.workspace}, ids[:n]), scanID)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			there[id] = true
		}
		ids = ids[n:]
	}
	var made []PlannedRun
	for _, r := range runs {
		if there[r.ID] {
			made = append(made, r)
		}
	}
	return made, nil
}

func (tx *Tx) insertPlannedStates(runs []PlannedRun, now api.Time) error {
	rows := make([][]any, len(runs))
	for i, r := range runs {
		rows[i] = []any{tx.workspace, r.StateID, r.ID, api.StateTypeScheduled, "Scheduled", now, plannedMessage, r.details()}
	}
	_, err := tx.Insert("flow_run_state", []string{
		"workspace_id", "id", "flow_run_id", "type", "name", "timestamp", "message", "state_details",
	}, rows, "")
	return err
}

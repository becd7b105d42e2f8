package store

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

const selectDeployments = `
	select deployment.id, deployment.created, deployment.updated, deployment.name, deployment.version, deployment.description,
	  deployment.flow_id, deployment.paused, deployment.concurrency_options, deployment.job_variables, deployment.parameters,
	  deployment.tags, deployment.labels, deployment.last_polled, deployment.parameter_openapi_schema, deployment.path,
	  deployment.pull_steps, deployment.entrypoint, deployment.storage_document_id, deployment.infrastructure_document_id,
	  deployment.created_by, deployment.updated_by, deployment.status, deployment.enforce_parameter_schema,
	  deployment.work_queue_id, coalesce(q.name, deployment.work_queue_name), p.name,
	  deployment.version_id, deployment.version_info, deployment.branch, deployment.base_id, deployment.root_id, deployment.disabled,
	  l.id, l.created, l.updated, l.active, l.name, l."limit", l.active_slots, l.slot_decay_per_second
	from deployment
	left join work_queue q on q.workspace_id = deployment.workspace_id and q.id = deployment.work_queue_id
	left join work_pool p on p.workspace_id = q.workspace_id and p.id = q.work_pool_id
	left join concurrency_limit_v2 l on l.workspace_id = deployment.workspace_id and l.id = deployment.concurrency_limit_id
	where `

const selectDeployment = selectDeployments + "deployment.workspace_id = ?"

// storedLimit is a deployment's limit on its way out, which it may not have.
type storedLimit struct {
	id               *uuid.UUID
	created, updated *api.Time
	active           *bool
	name             *string
	limit, slots     *int
	decay            *float64
}

func (l *storedLimit) limitOf() *api.GlobalConcurrencyLimitResponse {
	if l.id == nil {
		return nil
	}
	return &api.GlobalConcurrencyLimitResponse{
		ID: *l.id, Created: l.created, Updated: l.updated, Active: *l.active, Name: *l.name, Limit: *l.limit,
		ActiveSlots: *l.slots, SlotDecayPerSecond: api.Float(*l.decay),
	}
}

func scanDeployment(row *Row) (d api.DeploymentResponse, err error) {
	var (
		options, steps, version jsontext.Value
		by                      makers
		limit                   storedLimit
		disabled                bool
	)
	err = row.Scan(&d.ID, &d.Created, &d.Updated, &d.Name, &d.Version, &d.Description,
		&d.FlowID, &d.Paused, &options, &d.JobVariables, &d.Parameters,
		&d.Tags, &d.Labels, &d.LastPolled, &d.ParameterOpenapiSchema, &d.Path,
		&steps, &d.Entrypoint, &d.StorageDocumentID, &d.InfrastructureDocumentID,
		&by.created, &by.updated, &d.Status, &d.EnforceParameterSchema,
		&d.WorkQueueID, &d.WorkQueueName, &d.WorkPoolName,
		&d.VersionID, &version, &d.Branch, &d.Base, &d.Root, &disabled,
		&limit.id, &limit.created, &limit.updated, &limit.active, &limit.name, &limit.limit, &limit.slots, &limit.decay)
	if err != nil {
		return d, err
	}
	d.GlobalConcurrencyLimit, d.Schedules = limit.limitOf(), []api.DeploymentSchedule{}
	if d.ConcurrencyOptions, err = optional[api.ConcurrencyOptions](options); err != nil {
		return d, err
	}
	if d.CreatedBy, d.UpdatedBy, err = by.read(); err != nil {
		return d, err
	}
	if disabled {
		status := api.DeploymentStatusDisabled
		d.Disabled, d.Status = &disabled, &status
	}
	if d.VersionInfo, err = optional[api.VersionInfo](version); err != nil || len(steps) == 0 {
		return d, err
	}
	return d, json.Unmarshal(steps, &d.PullSteps)
}

// deployments reads deployments with their schedules.
func (tx *Tx) deployments(sql string, args []any) ([]api.DeploymentResponse, error) {
	list, err := many(tx, sql, args, scanDeployment)
	if err != nil || len(list) == 0 {
		return list, err
	}
	at, ids := map[uuid.UUID]int{}, make([]uuid.UUID, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = i, list[i].ID
	}
	schedules, err := tx.SchedulesOf(ids...)
	for _, s := range schedules {
		d := &list[at[*s.DeploymentID]]
		d.Schedules = append(d.Schedules, s)
	}
	return list, err
}

func (tx *Tx) deployment(sql string, args ...any) (*api.DeploymentResponse, error) {
	list, err := tx.deployments(selectDeployment+sql, append([]any{tx.workspace}, args...))
	if err == nil && len(list) == 0 {
		err = ErrNoRows
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// Deployment returns a deployment by its id.
func (tx *Tx) Deployment(id uuid.UUID) (*api.DeploymentResponse, error) {
	return tx.deployment("\nand deployment.id = ?", id)
}

// DeploymentOfFlow returns a deployment of a flow by its name.
func (tx *Tx) DeploymentOfFlow(flow uuid.UUID, name string) (*api.DeploymentResponse, error) {
	return tx.deployment("\nand deployment.flow_id = ?\nand deployment.name = ?", flow, name)
}

// DeploymentByName returns a deployment by the name of its flow and its own.
func (tx *Tx) DeploymentByName(flow, name string) (*api.DeploymentResponse, error) {
	return tx.deployment(`
		and deployment.name = ?
		and deployment.flow_id = (
		  select f.id
		  from flow f
		  where f.workspace_id = deployment.workspace_id
		  and f.name = ?)`, name, flow)
}

// Deployments lists deployments.
func (tx *Tx) Deployments(f Filters, sort api.DeploymentSort, limit, offset int) ([]api.DeploymentResponse, error) {
	where, page := tx.whereDeployments(f), page(limit, offset)
	return tx.deployments(selectDeployments+where.sql+"\norder by "+deploymentOrder(sort)+page.sql, append(where.args, page.args...))
}

// CountDeployments counts what Deployments lists without a limit.
func (tx *Tx) CountDeployments(f Filters) (int, error) {
	return tx.count("deployment", tx.whereDeployments(f))
}

// InsertDeployment adds a deployment, without schedules and limit, unless the flow has
// one of that name; isNew tells.
func (tx *Tx) InsertDeployment(d *api.DeploymentResponse) (isNew bool, err error) {
	createdBy, err := optionalJSON(d.CreatedBy)
	if err != nil {
		return false, err
	}
	rows, err := tx.Exec(`
		insert into deployment (workspace_id, id, created, updated, name, flow_id, tags, parameters, parameter_openapi_schema,
		  job_variables, pull_steps, status, created_by)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, flow_id, name) do nothing`,
		tx.workspace, d.ID, d.Created, d.Updated, d.Name, d.FlowID, d.Tags, d.Parameters, d.ParameterOpenapiSchema,
		d.JobVariables, jsontext.Value("[]"), api.DeploymentStatusNotReady, createdBy)
	return rows > 0, err
}

// SetDeployment writes columns of a deployment and says whether there is one.
func (tx *Tx) SetDeployment(id uuid.UUID, sets ...Set) (bool, error) {
	return tx.setRow("deployment", id, sets)
}

// DeleteDeployment deletes a deployment with its schedules. Its runs stay.
func (tx *Tx) DeleteDeployment(id uuid.UUID) error {
	_, err := tx.deleteRow("deployment", id)
	return err
}

// DeploymentsPolled notes that runs of deployments, or of all the deployments of queues,
// were asked for, and returns those that became READY by it. What was noted after fresh
// is left alone. Deployments keep their time of change.
func (tx *Tx) DeploymentsPolled(queues, ids []uuid.UUID, now, fresh api.Time) (ready []uuid.UUID, err error) {
	column, of := "work_queue_id", queues
	if len(ids) > 0 {
		column, of = "id", ids
	}
	if len(of) == 0 {
		return nil, nil
	}
	where := "\nwhere workspace_id = ?\nand " + dialect.In(column, len(of)) + "\nand "
	args := dialect.Pad([]any{tx.workspace}, of)
	ready, err = many(tx, "select id\nfrom deployment"+where+"status = 'NOT_READY'\norder by id", args, scanID)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec("update deployment\nset last_polled = ?, status = 'READY'"+where+"(status = 'NOT_READY' or last_polled is null or last_polled < ?)",
		append(append([]any{now}, args...), fresh)...)
	return ready, err
}

// IsPollDue says whether a poll of one of the deployments is worth noting: nobody did
// since fresh.
func (tx *Tx) IsPollDue(ids []uuid.UUID, fresh api.Time) (bool, error) {
	var n int
	err := tx.QueryRow("select count(*)\nfrom deployment\nwhere workspace_id = ?\nand "+dialect.In("id", len(ids))+
		"\nand (status = 'NOT_READY' or last_polled is null or last_polled < ?)",
		append(dialect.Pad([]any{tx.workspace}, ids), fresh), &n)
	return n > 0, err
}

// ForgottenDeployments returns the READY deployments that nobody polled since then,
// neither them nor their queue.
func (tx *Tx) ForgottenDeployments(since api.Time) ([]uuid.UUID, error) {
	return many(tx, `
		select d.id
		from deployment d
		left join work_queue q on q.workspace_id = d.workspace_id and q.id = d.work_queue_id
		where d.workspace_id = ?
		and d.status = 'READY'
		and d.last_polled < ?
		and (q.last_polled is null or q.last_polled < ?)
		order by d.id`, []any{tx.workspace, since, since}, scanID)
}

// ScheduledRuns says which runs of a deployment that wait to be started are meant.
type ScheduledRuns struct {
	AutoOnly bool      // those that the scheduler made
	After    *api.Time // those to be started after a time
}

// DeleteScheduledRuns deletes runs of a deployment that have not been started and do not
// wait for a slot.
func (tx *Tx) DeleteScheduledRuns(deployment uuid.UUID, which ScheduledRuns) error {
	where := is("workspace_id = ?\nand deployment_id = ?\nand state_type = 'SCHEDULED'\nand state_name <> 'AwaitingConcurrencySlot'\nand run_count = 0", tx.workspace, deployment)
	if which.AutoOnly {
		where = all(where, is("auto_scheduled"))
	}
	if which.After != nil {
		// The plus keeps SQLite from walking the future runs of all deployments.
		where = all(where, is("+next_scheduled_start_time > ?", *which.After))
	}
	_, err := tx.Exec("delete from flow_run\nwhere "+where.sql, where.args...)
	return err
}

// LimitDeployment gives a deployment a limit of its own, or changes the one it has.
func (tx *Tx) LimitDeployment(d *api.DeploymentResponse, newLimit uuid.UUID, limit int, now api.Time) error {
	if d.GlobalConcurrencyLimit != nil {
		_, err := tx.setRow("concurrency_limit_v2", d.GlobalConcurrencyLimit.ID, []Set{{`"limit"`, limit}, {"updated", now}})
		return err
	}
	_, err := tx.Exec(`
		insert into concurrency_limit_v2 (workspace_id, id, created, updated, name, "limit")
		values (?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, name) do update
		set "limit" = excluded."limit", updated = excluded.updated`,
		tx.workspace, newLimit, now, now, OwnLimit(d.ID), limit)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		update deployment
		set concurrency_limit_id = (
		  select l.id
		  from concurrency_limit_v2 l
		  where l.workspace_id = deployment.workspace_id
		  and l.name = ?)
		where workspace_id = ?
		and id = ?`, OwnLimit(d.ID), tx.workspace, d.ID)
	return err
}

// OwnLimit is the name of the limit that belongs to one deployment.
func OwnLimit(deployment uuid.UUID) string { return "deployment:" + deployment.String() }

// UnlimitDeployment takes the limit from a deployment; its own is deleted, a shared one
// stays.
func (tx *Tx) UnlimitDeployment(id uuid.UUID) error {
	if _, err := tx.setRow("deployment", id, []Set{{"concurrency_limit_id", nil}}); err != nil {
		return err
	}
	_, err := tx.Exec("delete from concurrency_limit_v2\nwhere workspace_id = ?\nand name = ?", tx.workspace, OwnLimit(id))
	return err
}

// HasConcurrencyLimit says whether there is a limit with that id.
func (tx *Tx) HasConcurrencyLimit(id uuid.UUID) (bool, error) {
	return tx.has("concurrency_limit_v2", id)
}

// HasBlockDocument says whether there is a block document with that id.
func (tx *Tx) HasBlockDocument(id uuid.UUID) (bool, error) { return tx.has("block_document", id) }

package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

const selectSchedules = `
	select id, created, updated, deployment_id, schedule, active, max_scheduled_runs, parameters, slug, policy
	from deployment_schedule
	where workspace_id = ?`

func scanSchedule(row *Row) (s api.DeploymentSchedule, err error) {
	return s, row.Scan(&s.ID, &s.Created, &s.Updated, &s.DeploymentID, &s.Schedule, &s.Active, &s.MaxScheduledRuns, &s.Parameters, &s.Slug, &s.Policy)
}

// SchedulesOf returns the schedules of deployments, the last changed first.
func (tx *Tx) SchedulesOf(deployments ...uuid.UUID) ([]api.DeploymentSchedule, error) {
	return many(tx, selectSchedules+"\nand "+dialect.In("deployment_id", len(deployments))+"\norder by updated desc, id desc",
		dialect.Pad([]any{tx.workspace}, deployments), scanSchedule)
}

// InsertSchedules adds schedules to deployments.
func (tx *Tx) InsertSchedules(schedules []api.DeploymentSchedule) error {
	rows := make([][]any, len(schedules))
	for i, s := range schedules {
		rows[i] = []any{
			tx.workspace, s.ID, s.Created, s.Updated, s.DeploymentID, s.Schedule, s.Active, s.MaxScheduledRuns, s.Parameters, s.Slug, s.Policy, s.Created,
		}
	}
	_, err := tx.Insert("deployment_schedule", []string{
		"workspace_id", "id", "created", "updated", "deployment_id", "schedule", "active", "max_scheduled_runs", "parameters", "slug", "policy", "planned_at",
	}, rows, "")
	return err
}

// SetSchedule writes columns of a schedule.
func (tx *Tx) SetSchedule(id uuid.UUID, sets ...Set) error {
	_, err := tx.setRow("deployment_schedule", id, sets)
	return err
}

// PlanAnew notes that what the schedules of a deployment have missed before now is
// nobody's concern any more.
func (tx *Tx) PlanAnew(deployment uuid.UUID, now api.Time) error {
	_, err := tx.Exec("update deployment_schedule\nset planned_at = ?\nwhere workspace_id = ?\nand deployment_id = ?", now, tx.workspace, deployment)
	return err
}

// SetPlanned notes that the runs of schedules have been planned at a time.
func (tx *Tx) SetPlanned(schedules []uuid.UUID, now api.Time) error {
	if len(schedules) == 0 {
		return nil
	}
	_, err := tx.Exec("update deployment_schedule\nset planned_at = ?\nwhere workspace_id = ?\nand "+dialect.In("id", len(schedules)),
		dialect.Pad([]any{now, tx.workspace}, schedules)...)
	return err
}

// DeleteSchedule deletes a schedule.
func (tx *Tx) DeleteSchedule(id uuid.UUID) error {
	_, err := tx.deleteRow("deployment_schedule", id)
	return err
}

// DeleteSchedules deletes the schedules of a deployment.
func (tx *Tx) DeleteSchedules(deployment uuid.UUID) error {
	_, err := tx.Exec("delete from deployment_schedule\nwhere workspace_id = ?\nand deployment_id = ?", tx.workspace, deployment)
	return err
}

// Hunger says when a deployment needs runs from the scheduler: when one of its active
// schedules has fewer than Runs of them ahead, or none after Until.
type Hunger struct {
	Now   api.Time
	Until api.Time
	Runs  int
}

// HungryDeployments returns up to limit deployments after an id that need runs.
func (tx *Tx) HungryDeployments(h Hunger, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	ahead := `
		from flow_run r
		where r.workspace_id = s.workspace_id
		and r.deployment_id = s.deployment_id
		and r.schedule_id = s.id
		and r.state_type = 'SCHEDULED'
		and r.auto_scheduled
		and r.next_scheduled_start_time >= ?`
	return many(tx, `
		select d.id
		from deployment d
		where d.workspace_id = ?
		and d.id > ?
		and not d.paused
		and not d.disabled
		and exists (
		  select 1
		  from deployment_schedule s
		  where s.workspace_id = d.workspace_id
		  and s.deployment_id = d.id
		  and s.active
		  and (
		    (select count(*) `+ahead+`) < ?
		    or (select max(r.next_scheduled_start_time) `+ahead+`) < ?))
		order by d.id
		limit ?`,
		[]any{tx.workspace, after, h.Now, h.Runs, h.Now, h.Until, limit}, scanID)
}

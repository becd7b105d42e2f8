package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/schedule"
	"github.com/usherhq/usher/internal/store"
)

// CheckSchedulePolicy returns what is wrong with the policy of a schedule that stands at
// loc of a request.
func CheckSchedulePolicy(in api.Opt[api.SchedulePolicy], loc ...any) []api.Violation {
	return schedule.CheckPolicy(in, loc...)
}

// CheckSchedule returns what is wrong with a schedule that stands at loc of a request.
func CheckSchedule(raw jsontext.Value, loc ...any) []api.Violation {
	return schedule.Check(raw, loc...)
}

// createdSchedules are the schedules that a request wants for a deployment.
func createdSchedules(in []api.DeploymentScheduleCreate, deployment uuid.UUID, now api.Time) ([]api.DeploymentSchedule, error) {
	out := make([]api.DeploymentSchedule, len(in))
	for i, s := range in {
		policy, err := schedule.StoredPolicy(s.Policy)
		if err != nil {
			return nil, err
		}
		out[i] = api.DeploymentSchedule{
			ID: newID(), Created: &now, Updated: &now, DeploymentID: &deployment, Schedule: s.Schedule, Active: s.Active.Or(true),
			MaxScheduledRuns: s.MaxScheduledRuns.Ptr(), Parameters: api.Object(s.Parameters.Or(nil)), Slug: s.Slug.Ptr(), Policy: policy,
		}
	}
	return out, nil
}

// addSchedules gives a deployment more schedules, in the form in which they are kept.
func (w *work) addSchedules(deployment uuid.UUID, in []api.DeploymentScheduleCreate) ([]api.DeploymentSchedule, error) {
	list, err := createdSchedules(in, deployment, w.now)
	if err != nil {
		return nil, err
	}
	for i := range list {
		stored, err := schedule.Canonical(list[i].Schedule, w.now.Time)
		if err != nil {
			return nil, err
		}
		list[i].Schedule = stored
	}
	return list, taken(w.InsertSchedules(list), slugTaken)
}

const slugTaken = "Schedule slugs must be unique within a deployment."

// planAnew has the runs of a deployment planned from now on, after a change.
func (w *work) planAnew(deployment uuid.UUID) error {
	w.publish(DeploymentChanged{Workspace: w.Workspace(), DeploymentID: deployment})
	return w.PlanAnew(deployment, w.now)
}

// Schedules lists the schedules of a deployment, the last changed first.
func (c *Core) Schedules(ctx context.Context, who Caller, deployment uuid.UUID) ([]api.DeploymentSchedule, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.DeploymentSchedule, error) {
		d, err := tx.Deployment(deployment)
		if errors.Is(err, store.ErrNoRows) {
			return nil, api.Errorf(api.CodeNotFound, "Deployment not found.")
		}
		if err != nil {
			return nil, err
		}
		return d.Schedules, nil
	})
}

// CreateSchedules adds schedules to a deployment.
func (c *Core) CreateSchedules(ctx context.Context, who Caller, deployment uuid.UUID, in []api.DeploymentScheduleCreate) ([]api.DeploymentSchedule, error) {
	var list []api.DeploymentSchedule
	err := c.write(ctx, who, func(w *work) error {
		if _, err := w.knownDeployment(deployment, "Deployment not found."); err != nil {
			return err
		}
		if err := w.planAnew(deployment); err != nil {
			return err
		}
		var err error
		list, err = w.addSchedules(deployment, in)
		return err
	})
	return list, err
}

// UpdateSchedule changes what the request names of a schedule; the runs that it has made
// go.
func (c *Core) UpdateSchedule(ctx context.Context, who Caller, deployment, id uuid.UUID, in *api.DeploymentScheduleUpdate) error {
	return c.write(ctx, who, func(w *work) error { return w.updateSchedule(deployment, id, in) })
}

func (w *work) updateSchedule(deployment, id uuid.UUID, in *api.DeploymentScheduleUpdate) error {
	if err := w.scheduleChanges(deployment, id); err != nil {
		return err
	}
	if err := w.patchSchedule(id, in); err != nil {
		return err
	}
	return w.DeleteScheduledRuns(deployment, store.ScheduledRuns{AutoOnly: true, After: &w.now})
}

// DeleteSchedule takes a schedule from a deployment, and the runs that its schedules have
// made.
func (c *Core) DeleteSchedule(ctx context.Context, who Caller, deployment, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		if err := w.scheduleChanges(deployment, id); err != nil {
			return err
		}
		if err := w.DeleteSchedule(id); err != nil {
			return err
		}
		return w.DeleteScheduledRuns(deployment, store.ScheduledRuns{AutoOnly: true})
	})
}

// scheduleChanges has the runs of a deployment planned anew whose schedule is about to
// change, if it has that.
func (w *work) scheduleChanges(deployment, id uuid.UUID) error {
	d, err := w.knownDeployment(deployment, "Deployment not found.")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(d.Schedules, func(s api.DeploymentSchedule) bool { return s.ID == id }) {
		return api.Errorf(api.CodeNotFound, "Schedule not found.")
	}
	return w.planAnew(deployment)
}

// patchSchedule writes what the request has a value for.
func (w *work) patchSchedule(id uuid.UUID, in *api.DeploymentScheduleUpdate) error {
	ch := &changes{}
	patchNotNull(ch, "active", in.Active)
	patchNotNull(ch, "max_scheduled_runs", in.MaxScheduledRuns)
	patchNotNull(ch, "slug", in.Slug)
	patchNotNull(ch, "parameters", in.Parameters)
	if in.Policy.IsSet() {
		stored, err := schedule.StoredPolicy(in.Policy)
		if err != nil {
			return err
		}
		ch.set("policy", stored)
	}
	if raw, ok := in.Schedule.Get(); ok {
		stored, err := schedule.Canonical(raw, w.now.Time)
		if err != nil {
			return err
		}
		ch.set("schedule", stored)
	}
	ch.set("updated", w.now)
	return taken(w.SetSchedule(id, ch.sets...), slugTaken)
}

package core

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/names"
	"github.com/usherhq/usher/internal/rules/schedule"
	"github.com/usherhq/usher/internal/store"
)

// Horizon says how far ahead runs of schedules are made: at least MinRuns and MinTime,
// at most MaxRuns and not beyond End. CatchUp adds what was missed before Start.
type Horizon struct {
	Start   time.Time
	End     time.Time
	MinTime time.Duration
	MinRuns int
	MaxRuns int
	CatchUp bool
}

// UsualHorizon is the scheduler's own.
func (c *Core) UsualHorizon() Horizon {
	now, ahead := c.Clock(), &c.Upkeep.Ahead
	return Horizon{
		Start: now, End: now.Add(ahead.maxTime()), MinTime: cmp.Or(ahead.MinTime, time.Hour),
		MinRuns: cmp.Or(ahead.MinRuns, 3), MaxRuns: cmp.Or(ahead.MaxRuns, 100), CatchUp: true,
	}
}

func (a *Ahead) maxTime() time.Duration { return cmp.Or(a.MaxTime, 100*24*time.Hour) }

// deploymentBatch is how many deployments get their runs in one transaction.
const deploymentBatch = 100

// ScheduleHungry makes runs for every deployment that has too few ahead.
func (c *Core) ScheduleHungry(ctx context.Context, who Caller) error {
	after := uuid.UUID{}
	for {
		h := c.UsualHorizon()
		hunger := store.Hunger{Now: api.At(h.Start), Until: api.At(h.Start.Add(h.MinTime)), Runs: h.MinRuns}
		ids, err := value(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
			return tx.HungryDeployments(hunger, after, deploymentBatch)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := c.ScheduleDeployments(ctx, who, ids, h); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// ScheduleDeployments makes the runs that the active schedules of deployments ask for,
// except those that there are. Paused deployments get none.
func (c *Core) ScheduleDeployments(ctx context.Context, who Caller, ids []uuid.UUID, h Horizon) error {
	return c.schedule(ctx, who, ids, h, false)
}

func (c *Core) schedule(ctx context.Context, who Caller, ids []uuid.UUID, h Horizon, withPaused bool) error {
	return c.write(ctx, who, func(w *work) error {
		sources, err := w.ScheduleSources(ids, withPaused)
		if err != nil {
			return err
		}
		var runs []store.PlannedRun
		var caughtUp []uuid.UUID
		for i := range sources {
			if !w.tellsVersions() {
				sources[i].VersionID, sources[i].VersionInfo = nil, nil
			}
			planned, policy, err := w.planned(&sources[i], h)
			if err != nil {
				c.Log.Error("schedule skipped", "deployment", sources[i].DeploymentID, "schedule", sources[i].ID, "error", err)
				continue
			}
			runs = append(runs, planned...)
			if h.CatchUp && policy.CatchesUp() {
				caughtUp = append(caughtUp, sources[i].ID)
			}
		}
		if err := w.SetPlanned(caughtUp, api.At(h.Start)); err != nil {
			return err
		}
		made, err := w.InsertPlannedRuns(runs, w.now)
		if err != nil {
			return err
		}
		for _, run := range made {
			if run.Source.WorkQueueID != nil {
				w.publish(RunReady{Workspace: w.Workspace(), WorkQueueID: *run.Source.WorkQueueID, FlowRunID: run.ID, At: run.At})
			}
		}
		return nil
	})
}

// moments are those of a schedule within a horizon, after those that were missed.
func (h Horizon) moments(s *store.ScheduleSource, times schedule.Schedule, policy *schedule.Policy) []schedule.Moment {
	var missed []schedule.Moment
	if h.CatchUp && s.PlannedAt != nil {
		missed = policy.Missed(times, s.ID, s.PlannedAt.Time, h.Start)
	}
	ahead := policy.Times(times, s.ID, h.Start, h.End, h.MaxRuns)
	for i, m := range ahead {
		if i+1 >= h.MinRuns && !m.Nominal.Before(h.Start.Add(h.MinTime)) {
			ahead = ahead[:i+1]
			break
		}
	}
	return append(missed, ahead...)
}

// planned are the runs that a schedule asks for, and its policy.
func (w *work) planned(s *store.ScheduleSource, h Horizon) ([]store.PlannedRun, *schedule.Policy, error) {
	times, err := schedule.Parse(s.Schedule)
	if err != nil {
		return nil, nil, err
	}
	policy, err := schedule.ParsePolicy(s.Policy)
	if err != nil {
		return nil, nil, err
	}
	values, err := mergeObjects(s.DeploymentParameters, s.Parameters)
	if err != nil {
		return nil, nil, err
	}
	ids := jsontext.Value(`{"prefect.flow.id":"` + s.FlowID.String() + `","prefect.deployment.id":"` + s.DeploymentID.String() + `"}`)
	labels, err := mergeObjects(s.Labels, ids)
	if err != nil {
		return nil, nil, err
	}
	by, err := canonical(scheduledBy(s, times))
	if err != nil {
		return nil, nil, err
	}
	var runs []store.PlannedRun
	for _, m := range h.moments(s, times, policy) {
		runs = append(runs, store.PlannedRun{
			Source: s, ID: newID(), StateID: newID(), Name: names.Pick(rand.Uint64()), //nolint:gosec // a name guards nothing
			At: api.At(m.Start), Parameters: values, Labels: labels, CreatedBy: by, Tags: union([]string{"auto-scheduled"}, s.Tags),
			Key: "scheduled " + s.DeploymentID.String() + " " + s.ID.String() + " " + schedule.Label(m.Nominal),
		})
	}
	return runs, policy, nil
}

func scheduledBy(s *store.ScheduleSource, times schedule.Schedule) *api.CreatedBy {
	kind, display := "SCHEDULE", times.Kind()
	if s.Slug != nil && *s.Slug != "" {
		display = *s.Slug
	}
	return &api.CreatedBy{ID: &s.ID, Type: &kind, DisplayValue: &display}
}

// ScheduleDeployment makes the runs of a deployment's schedules in a span of time. It
// does nothing for a deployment that is not there.
func (c *Core) ScheduleDeployment(ctx context.Context, who Caller, id uuid.UUID, in *api.ScheduleDeploymentRequest) error {
	h := c.UsualHorizon()
	h.CatchUp = false
	if start, ok := in.StartTime.Get(); ok {
		h.Start = start.Time
		h.End = h.Start.Add(c.Upkeep.Ahead.maxTime())
	}
	if end, ok := in.EndTime.Get(); ok {
		h.End = end.Time
	}
	if seconds, ok := in.MinTime.Get(); ok {
		h.MinTime = time.Duration(float64(seconds) * float64(time.Second))
	}
	h.MinRuns, h.MaxRuns = in.MinRuns.Or(h.MinRuns), in.MaxRuns.Or(h.MaxRuns)
	return c.schedule(ctx, who, []uuid.UUID{id}, h, true)
}

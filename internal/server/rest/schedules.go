package rest

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var scheduleRoutes = []route{
	{api.OpReadDeploymentSchedules, "see_deployments", small, readSchedules},
	{api.OpCreateDeploymentSchedules, "write_deployments", medium, createSchedules},
	{api.OpUpdateDeploymentSchedule, "write_deployments", medium, updateSchedule},
	{api.OpDeleteDeploymentSchedule, "write_deployments", small, deleteSchedule},
}

func readSchedules(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	list, err := c.Schedules(r.Context(), r.who, id)
	return give(http.StatusOK, list, err)
}

func createSchedules(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in []api.DeploymentScheduleCreate
	check := func() (found []api.Violation) {
		for i, s := range in {
			found = append(found, checkSchedule(api.Some(s.Schedule), s.Policy, "body", i)...)
		}
		return found
	}
	if err := r.decode(&in, check); err != nil {
		return answer{}, err
	}
	list, err := c.CreateSchedules(r.Context(), r.who, id, in)
	return give(http.StatusCreated, list, err)
}

// checkSchedule returns what is wrong with a deployment's schedule that stands at loc.
func checkSchedule(times api.Opt[jsontext.Value], policy api.Opt[api.SchedulePolicy], loc ...any) (found []api.Violation) {
	if raw, ok := times.Get(); ok {
		found = core.CheckSchedule(raw, slices.Concat(loc, []any{"schedule"})...)
	}
	return append(found, core.CheckSchedulePolicy(policy, slices.Concat(loc, []any{"policy"})...)...)
}

func updateSchedule(c *core.Core, r *request) (answer, error) {
	deployment, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	id, err := r.id("schedule_id")
	if err != nil {
		return answer{}, err
	}
	var in api.DeploymentScheduleUpdate
	check := func() []api.Violation {
		return checkSchedule(in.Schedule, in.Policy, "body")
	}
	if err := r.decode(&in, check); err != nil {
		return answer{}, err
	}
	return none(c.UpdateSchedule(r.Context(), r.who, deployment, id, &in))
}

func deleteSchedule(c *core.Core, r *request) (answer, error) {
	deployment, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	id, err := r.id("schedule_id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteSchedule(r.Context(), r.who, deployment, id))
}

package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var deploymentRunRoutes = []route{
	{api.OpCreateFlowRunFromDeployment, "run_deployments", medium, runDeployment},
	{api.OpBulkCreateFlowRunsFromDeployment, "run_deployments", large, runDeploymentInBulk},
	{api.OpGetScheduledFlowRunsForDeployments, "see_deployments", small, scheduledRuns},
	{api.OpWorkQueueCheckForDeployment, "see_work_queues", small, queuesForDeployment},
	{api.OpScheduleDeployment, "write_deployments", small, scheduleDeployment},
}

func runDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.DeploymentFlowRunCreate
	size := func() []api.Violation { return checkParameterSize(in.Parameters) }
	if err := r.decode(&in, size); err != nil {
		return answer{}, err
	}
	run, isNew, err := c.RunDeployment(r.Context(), r.who, id, &in)
	return give(madeOrFound(isNew), run, err)
}

func runDeploymentInBulk(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in []api.DeploymentFlowRunCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out, err := c.RunDeploymentInBulk(r.Context(), r.who, id, in)
	return give(http.StatusOK, out, err)
}

func scheduledRuns(c *core.Core, r *request) (answer, error) {
	var in api.GetScheduledFlowRunsForDeploymentsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	runs, err := c.ScheduledRuns(r.Context(), r.who, &in, limit)
	return give(http.StatusOK, runs, err)
}

func scheduleDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.ScheduleDeploymentRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.ScheduleDeployment(r.Context(), r.who, id, &in))
}

func queuesForDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	queues, err := c.QueuesFor(r.Context(), r.who, id)
	return give(http.StatusOK, queues, err)
}

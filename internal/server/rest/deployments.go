package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var deploymentRoutes = []route{
	{api.OpCreateDeployment, "write_deployments", medium, createDeployment},
	{api.OpUpdateDeployment, "write_deployments", medium, updateDeployment},
	{api.OpReadDeployment, "see_deployments", small, readDeployment},
	{api.OpReadDeploymentByName, "see_deployments", small, readDeploymentByName},
	{api.OpReadDeployments, "see_deployments", medium, readDeployments},
	{api.OpPaginateDeployments, "see_deployments", medium, paginateDeployments},
	{api.OpCountDeployments, "see_deployments", medium, countDeployments},
	{api.OpDeleteDeployment, "manage_deployments", small, deleteDeployment},
	{api.OpBulkDeleteDeployments, "manage_deployments", medium, bulkDeleteDeployments},
	{api.OpPauseDeployment, "write_deployments", small, pauseDeployment},
	{api.OpResumeDeployment, "write_deployments", small, resumeDeployment},
}

func createDeployment(c *core.Core, r *request) (answer, error) {
	var in api.DeploymentCreate
	if err := r.decode(&in, checkDeployment(&in)); err != nil {
		return answer{}, err
	}
	d, isNew, err := c.CreateDeployment(r.Context(), r.who, &in)
	return give(madeOrFound(isNew), d, err)
}

func updateDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.DeploymentUpdate
	if err := r.decode(&in, checkDeploymentUpdate(&in)); err != nil {
		return answer{}, err
	}
	return none(c.UpdateDeployment(r.Context(), r.who, id, &in))
}

func readDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	d, err := c.Deployment(r.Context(), r.who, id)
	return give(http.StatusOK, d, err)
}

func readDeploymentByName(c *core.Core, r *request) (answer, error) {
	d, err := c.DeploymentByName(r.Context(), r.who, r.PathValue("flow_name"), r.PathValue("deployment_name"))
	return give(http.StatusOK, d, err)
}

func readDeployments(c *core.Core, r *request) (answer, error) {
	var in api.ReadDeploymentsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	filters := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments,
		WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	}
	list, err := c.Deployments(r.Context(), r.who, filters, in.Sort.Or(""), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func paginateDeployments(c *core.Core, r *request) (answer, error) {
	var in api.PaginateDeploymentsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	filters := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments,
		WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	}
	list, err := c.DeploymentsPage(r.Context(), r.who, filters, in.Sort.Or(""), limit, in.Page.Or(1))
	return give(http.StatusOK, list, err)
}

func countDeployments(c *core.Core, r *request) (answer, error) {
	var in api.CountDeploymentsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	n, err := c.CountDeployments(r.Context(), r.who, core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments,
		WorkPools: in.WorkPools, WorkQueues: in.WorkPoolQueues,
	})
	return give(http.StatusOK, n, err)
}

func deleteDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteDeployment(r.Context(), r.who, id))
}

func bulkDeleteDeployments(c *core.Core, r *request) (answer, error) {
	var in api.BulkDeleteDeploymentsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	deleted, err := c.BulkDeleteDeployments(r.Context(), r.who, in.Deployments, in.Limit.Or(50))
	return give(http.StatusOK, api.DeploymentBulkDeleteResponse{Deleted: deleted}, err)
}

func pauseDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.PauseDeployment(r.Context(), r.who, id))
}

func resumeDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.ResumeDeployment(r.Context(), r.who, id))
}

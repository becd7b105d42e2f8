package rest

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var deploymentVersionRoutes = []route{
	{api.OpPaginateDeploymentVersions, "see_deployments", small, paginateDeploymentVersions},
	{api.OpReadDeploymentVersion, "see_deployments", small, readDeploymentVersion},
	{api.OpDeleteDeploymentVersion, "manage_deployments", small, deleteDeploymentVersion},
	{api.OpPromoteDeploymentVersion, "manage_deployments", small, promoteDeploymentVersion},
	{api.OpBranchFromDeployment, "write_deployments", medium, branchDeployment},
	{api.OpResumeDeploymentInDeployments, "write_deployments", small, resumeDeployment},
	{api.OpPauseDeploymentInDeployments, "write_deployments", small, pauseDeployment},
	{api.OpDisableDeployment, "write_deployments", small, disableDeployment},
	{api.OpEnableDeployment, "write_deployments", small, enableDeployment},
}

func paginateDeploymentVersions(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.PaginateDeploymentVersionsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.DeploymentVersions(r.Context(), r.who, id, limit, in.Page.Or(1))
	return give(http.StatusOK, list, err)
}

// version reads the ids of a path that names a version of a deployment.
func (r *request) version() (deployment, version uuid.UUID, err error) {
	if deployment, err = r.id("id"); err != nil {
		return deployment, version, err
	}
	version, err = r.id("version_id")
	return deployment, version, err
}

func readDeploymentVersion(c *core.Core, r *request) (answer, error) {
	deployment, id, err := r.version()
	if err != nil {
		return answer{}, err
	}
	v, err := c.DeploymentVersion(r.Context(), r.who, deployment, id)
	return give(http.StatusOK, v, err)
}

func deleteDeploymentVersion(c *core.Core, r *request) (answer, error) {
	deployment, id, err := r.version()
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteDeploymentVersion(r.Context(), r.who, deployment, id))
}

func promoteDeploymentVersion(c *core.Core, r *request) (answer, error) {
	deployment, id, err := r.version()
	if err != nil {
		return answer{}, err
	}
	var in api.PromoteDeploymentVersionRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	moved, err := c.PromoteDeploymentVersion(r.Context(), r.who, deployment, id, in.Reason.Or(""))
	return give(http.StatusOK, moved, err)
}

func branchDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.DeploymentBranch
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	d, err := c.BranchDeployment(r.Context(), r.who, id, &in)
	return give(http.StatusOK, d, err)
}

func disableDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.DisableDeployment(r.Context(), r.who, id))
}

func enableDeployment(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return give(http.StatusOK, nil, c.EnableDeployment(r.Context(), r.who, id))
}

package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var artifactRoutes = []route{
	{api.OpCreateArtifact, "write_artifacts", medium, createArtifact},
	{api.OpReadArtifact, "see_artifacts", small, readArtifact},
	{api.OpReadLatestArtifact, "see_artifacts", small, readLatestArtifact},
	{api.OpReadArtifacts, "see_artifacts", small, readArtifacts},
	{api.OpReadLatestArtifacts, "see_artifacts", small, readLatestArtifacts},
	{api.OpCountArtifacts, "see_artifacts", small, countArtifacts},
	{api.OpCountLatestArtifacts, "see_artifacts", small, countLatestArtifacts},
	{api.OpUpdateArtifact, "write_artifacts", medium, updateArtifact},
	{api.OpDeleteArtifact, "manage_artifacts", small, deleteArtifact},
}

func createArtifact(c *core.Core, r *request) (answer, error) {
	var in api.ArtifactCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	a, err := c.CreateArtifact(r.Context(), r.who, &in)
	return give(http.StatusCreated, a, err)
}

func readArtifact(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	a, err := c.Artifact(r.Context(), r.who, id)
	return give(http.StatusOK, a, err)
}

func readLatestArtifact(c *core.Core, r *request) (answer, error) {
	a, err := c.LatestArtifact(r.Context(), r.who, r.PathValue("key"))
	return give(http.StatusOK, a, err)
}

func readArtifacts(c *core.Core, r *request) (answer, error) {
	var in api.ReadArtifactsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	list, err := c.Artifacts(r.Context(), r.who, in.Artifacts, f, in.Sort.Or(api.ArtifactSortIDDesc), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func readLatestArtifacts(c *core.Core, r *request) (answer, error) {
	var in api.ReadLatestArtifactsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	list, err := c.LatestArtifacts(r.Context(), r.who, in.Artifacts, f, in.Sort.Or(api.ArtifactCollectionSortIDDesc), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func countArtifacts(c *core.Core, r *request) (answer, error) {
	var in api.CountArtifactsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	n, err := c.CountArtifacts(r.Context(), r.who, in.Artifacts, f)
	return give(http.StatusOK, n, err)
}

func countLatestArtifacts(c *core.Core, r *request) (answer, error) {
	var in api.CountLatestArtifactsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	n, err := c.CountLatestArtifacts(r.Context(), r.who, in.Artifacts, f)
	return give(http.StatusOK, n, err)
}

func updateArtifact(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.ArtifactUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateArtifact(r.Context(), r.who, id, &in))
}

func deleteArtifact(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteArtifact(r.Context(), r.who, id))
}

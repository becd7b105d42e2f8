package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var runInputRoutes = []route{
	{api.OpResumeFlowRun, "run_flows", medium, resumeFlowRun},
	{api.OpCreateFlowRunInput, "run_flows", medium, createRunInput},
	{api.OpFilterFlowRunInput, "see_flows", small, readRunInputs},
	{api.OpReadFlowRunInput, "see_flows", small, readRunInput},
	{api.OpDeleteFlowRunInput, "manage_flows", small, deleteRunInput},
}

func resumeFlowRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.ResumeFlowRunRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	result, written, err := c.ResumeFlowRun(r.Context(), r.who, id, in.RunInput.Or(nil))
	return give(madeOrFound(written), result, err)
}

func createRunInput(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.CreateFlowRunInputRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return give(http.StatusCreated, nil, c.CreateRunInput(r.Context(), r.who, id, &in))
}

func readRunInputs(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	var in api.FilterFlowRunInputRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := c.RunInputs(r.Context(), r.who, id, &in)
	return give(http.StatusOK, list, err)
}

func readRunInput(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	value, err := c.RunInput(r.Context(), r.who, id, r.PathValue("key"))
	return give(http.StatusOK, plain(value), err)
}

func deleteRunInput(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteRunInput(r.Context(), r.who, id, r.PathValue("key")))
}

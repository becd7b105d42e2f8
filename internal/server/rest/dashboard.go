package rest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// The operations that only the web interface uses.
var dashboardRoutes = []route{
	{api.OpReadFlowRunHistory, "see_flows", small, simpleFlowRuns},
	{api.OpCountTaskRunsByFlowRun, "see_flows", small, countTaskRunsByFlowRun},
	{api.OpCountDeploymentsByFlow, "see_flows", small, countDeploymentsByFlow},
	{api.OpNextRunsByFlow, "see_flows", small, nextRuns},
	{api.OpReadDashboardTaskRunCounts, "see_flows", small, taskRunOutcomes},
	{api.OpReadTaskRunCountsByState, "see_flows", small, countTaskRunsByState},
	{api.OpValidateObj, "see_flows", medium, checkValues},
	{api.OpValidateSchema, "see_flows", medium, checkSchema},
	{api.OpReadTaskRunWithFlowRunName, "see_flows", small, readTaskRunWithFlowRun},
}

// mostSimple is the most flow runs that the dashboard's chart shows.
const mostSimple = 1000

func simpleFlowRuns(c *core.Core, r *request) (answer, error) {
	var in api.ReadFlowRunHistoryRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools}
	runs, err := c.SimpleFlowRuns(r.Context(), r.who, f, in.Sort.Or(api.FlowRunSortExpectedStartTimeDesc), in.Limit.Or(mostSimple), in.Offset.Or(0))
	return give(http.StatusOK, runs, err)
}

func countTaskRunsByFlowRun(c *core.Core, r *request) (answer, error) {
	var in api.CountTaskRunsByFlowRunRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	counts, err := c.CountTaskRunsByFlowRun(r.Context(), r.who, in.FlowRunIDs)
	return give(http.StatusOK, counts, err)
}

func countDeploymentsByFlow(c *core.Core, r *request) (answer, error) {
	var in api.CountDeploymentsByFlowRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	counts, err := c.CountDeploymentsByFlow(r.Context(), r.who, in.FlowIDs)
	return give(http.StatusOK, counts, err)
}

func nextRuns(c *core.Core, r *request) (answer, error) {
	var in api.NextRunsByFlowRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	next, err := c.NextRuns(r.Context(), r.who, in.FlowIDs)
	return give(http.StatusOK, next, err)
}

func taskRunOutcomes(c *core.Core, r *request) (answer, error) {
	var in api.ReadDashboardTaskRunCountsRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{
		Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: &in.TaskRuns, Deployments: in.Deployments, WorkPools: in.WorkPools, WorkQueues: in.WorkQueues,
	}
	counts, err := c.TaskRunOutcomes(r.Context(), r.who, f)
	return give(http.StatusOK, counts, err)
}

func countTaskRunsByState(c *core.Core, r *request) (answer, error) {
	var in api.ReadTaskRunCountsByStateRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	f := core.Filters{Flows: in.Flows, FlowRuns: in.FlowRuns, TaskRuns: in.TaskRuns, Deployments: in.Deployments}
	counts, err := c.CountTaskRunsByState(r.Context(), r.who, f)
	return give(http.StatusOK, counts, err)
}

func readTaskRunWithFlowRun(c *core.Core, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	run, err := c.TaskRunWithFlowRun(r.Context(), r.who, id)
	return give(http.StatusOK, run, err)
}

func checkValues(c *core.Core, r *request) (answer, error) {
	var in api.ValidateObjRequest
	if err := r.decode(&in, anObject("schema", &in.Schema), anObject("values", &in.Values)); err != nil {
		return answer{}, err
	}
	report, err := c.CheckValues(r.Context(), r.who, in.Schema, in.Values)
	return give(http.StatusOK, report, err)
}

// checkSchema says whether a schema of parameters is one.
func checkSchema(c *core.Core, r *request) (answer, error) {
	var schema jsontext.Value
	if err := r.decode(&schema, anObject("schema", &schema)); err != nil {
		return answer{}, err
	}
	_, err := c.CheckValues(r.Context(), r.who, schema, jsontext.Value("{}"))
	return give(http.StatusOK, api.SchemaValuesValidationResponse{Valid: true, Errors: []jsontext.Value{}}, err)
}

// anObject refuses a member of the body that is no object.
func anObject(name string, v *jsontext.Value) func() []api.Violation {
	return func() []api.Violation {
		if v.Kind() == '{' {
			return nil
		}
		return []api.Violation{{Type: "dict_type", Loc: []any{"body", name}, Msg: "Input should be a valid dictionary", Input: *v}}
	}
}

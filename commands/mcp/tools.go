package mcp

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/mcp"
)

type tools struct {
	env    *cli.Env
	client *client.Client
}

// Arguments that several tools have.
var (
	limitArgument = mcp.Argument{Name: "limit", Type: "integer", Description: "at most this many; 20 unless said"}
	runArgument   = mcp.Argument{Name: "run", Type: "string", Description: "the flow run: its id, the beginning of it, or its name", Required: true}
	deployment    = mcp.Argument{Name: "deployment", Type: "string", Description: "the deployment: flow/name, or its id", Required: true}
)

// usual is how many objects a tool answers with unless told otherwise.
const usual = 20

func (t tools) reading() []mcp.Tool {
	return []mcp.Tool{
		{
			Name: "list_flow_runs", Description: "List flow runs, the newest first.", Call: t.listRuns,
			Arguments: []mcp.Argument{
				{Name: "state_type", Type: "string", Description: "only runs in this type of state: " + strings.Join(api.StateType("").Values(), ", ")},
				{Name: "deployment", Type: "string", Description: "only runs of this deployment"},
				{Name: "name", Type: "string", Description: "only runs whose name contains this"},
				limitArgument,
			},
		},
		{Name: "get_flow_run", Description: "Show a flow run with its state and parameters.", Call: t.getRun, Arguments: []mcp.Argument{runArgument}},
		{Name: "get_flow_run_logs", Description: "Show the last log lines of a flow run.", Call: t.getLogs, Arguments: []mcp.Argument{runArgument, limitArgument}},
		{Name: "list_deployments", Description: "List deployments.", Call: t.listDeployments, Arguments: []mcp.Argument{limitArgument}},
		{Name: "get_deployment", Description: "Show a deployment with its schedules and parameters.", Call: t.getDeployment, Arguments: []mcp.Argument{deployment}},
		{Name: "list_work_pools", Description: "List work pools and whether they have workers.", Call: t.listPools, Arguments: []mcp.Argument{limitArgument}},
		{
			Name: "list_events", Description: "List what happened in the last day, the newest first.", Call: t.listEvents,
			Arguments: []mcp.Argument{{Name: "prefix", Type: "string", Description: "only events whose name begins so, as in prefect.flow-run."}, limitArgument},
		},
	}
}

func (t tools) writing() []mcp.Tool {
	return []mcp.Tool{
		{
			Name: "run_deployment", Description: "Make a run of a deployment that begins now.", Call: t.runDeployment, Writes: true,
			Arguments: []mcp.Argument{deployment, {Name: "parameters", Type: "object", Description: "parameters that differ from the deployment's"}},
		},
		{Name: "cancel_flow_run", Description: "Ask a flow run to stop.", Call: t.cancelRun, Writes: true, Arguments: []mcp.Argument{runArgument}},
	}
}

func (t tools) listRuns(ctx context.Context, v mcp.Values) (any, error) {
	filter := &api.FlowRunFilter{}
	if text := v.Text("state_type"); text != "" {
		types, err := find.StateTypes([]string{text})
		if err != nil {
			return nil, err
		}
		filter.State = &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: types}}
	}
	if name := v.Text("name"); name != "" {
		filter.Name = &api.Match[string]{Like: &name}
	}
	if name := v.Text("deployment"); name != "" {
		d, err := find.Deployment(ctx, t.client, name)
		if err != nil {
			return nil, err
		}
		filter.DeploymentID = &api.FlowRunFilterDeploymentId{Any: []uuid.UUID{d.ID}}
	}
	return t.client.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{FlowRuns: filter, Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), Limit: limit(v)})
}

// limit is how many are wanted, as servers allow it.
func limit(v mcp.Values) api.Opt[int] {
	return api.Some(max(1, min(v.Number("limit", usual), find.PageSize)))
}

func (t tools) getRun(ctx context.Context, v mcp.Values) (any, error) {
	return find.FlowRun(ctx, t.client, v.Text("run"))
}

func (t tools) getLogs(ctx context.Context, v mcp.Values) (any, error) {
	run, err := find.FlowRun(ctx, t.client, v.Text("run"))
	if err != nil {
		return nil, err
	}
	return t.client.ReadLogs(ctx, &api.ReadLogsRequest{
		Logs: &api.LogFilter{FlowRunID: &api.Match[uuid.UUID]{Any: []uuid.UUID{run.ID}}}, Sort: api.Some(api.LogSortTimestampDesc), Limit: limit(v),
	})
}

func (t tools) listDeployments(ctx context.Context, v mcp.Values) (any, error) {
	return t.client.ReadDeployments(ctx, &api.ReadDeploymentsRequest{Limit: limit(v)})
}

func (t tools) getDeployment(ctx context.Context, v mcp.Values) (any, error) {
	return find.Deployment(ctx, t.client, v.Text("deployment"))
}

func (t tools) listPools(ctx context.Context, v mcp.Values) (any, error) {
	return t.client.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Limit: limit(v)})
}

// mostEvents is how many events the API gives at once.
const mostEvents = 50

func (t tools) listEvents(ctx context.Context, v mcp.Values) (any, error) {
	now := t.env.Now()
	filter := &api.EventFilter{Occurred: &api.EventOccurredFilter{Since: api.AtPtr(now.Add(-24 * time.Hour)), Until: api.AtPtr(now)}}
	if prefix := v.Text("prefix"); prefix != "" {
		filter.Event = &api.EventNameFilter{Prefix: []string{prefix}}
	}
	page, err := t.client.ReadEvents(ctx, &api.ReadEventsRequest{Filter: filter, Limit: api.Some(max(1, min(v.Number("limit", usual), mostEvents)))})
	return page.Events, err
}

func (t tools) runDeployment(ctx context.Context, v mcp.Values) (any, error) {
	d, err := find.Deployment(ctx, t.client, v.Text("deployment"))
	if err != nil {
		return nil, err
	}
	request := &api.DeploymentFlowRunCreate{}
	if parameters, given := v["parameters"]; given {
		request.Parameters = api.Some(parameters)
	}
	return t.client.CreateFlowRunFromDeployment(ctx, d.ID, request)
}

func (t tools) cancelRun(ctx context.Context, v mcp.Values) (any, error) {
	run, err := find.FlowRun(ctx, t.client, v.Text("run"))
	if err != nil {
		return nil, err
	}
	return run, follow.Cancel(ctx, t.client, run, "Cancelled by an assistant.")
}

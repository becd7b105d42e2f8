// Package find turns what a user typed for an object into the object: an id, the
// beginning of one, a name, or the address of its page.
package find

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// ID reads an id or the address of an object's page, whose last id is the object's.
func ID(text string) (uuid.UUID, bool) {
	if id, err := uuid.Parse(text); err == nil {
		return id, true
	}
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return uuid.Nil, false
	}
	path, _, _ := strings.Cut(text, "#")
	path, _, _ = strings.Cut(path, "?")
	for _, part := range slices.Backward(strings.Split(path, "/")) {
		if id, err := uuid.Parse(part); err == nil {
			return id, true
		}
	}
	return uuid.Nil, false
}

// recent is how many objects are looked at for the beginning of an id or a near name.
const recent = 200

// FlowRun finds a flow run. Of several with one name it takes the newest.
func FlowRun(ctx context.Context, c *client.Client, text string) (*api.FlowRunResponse, error) {
	return flowRun(ctx, c, text, 1)
}

// OneFlowRun is FlowRun for what changes a run: a name that several have is refused.
func OneFlowRun(ctx context.Context, c *client.Client, text string) (*api.FlowRunResponse, error) {
	return flowRun(ctx, c, text, mostCandidates)
}

func flowRun(ctx context.Context, c *client.Client, text string, most int) (*api.FlowRunResponse, error) {
	if id, ok := ID(text); ok {
		run, err := c.ReadFlowRun(ctx, id)
		return &run, missing("flow run", text, err)
	}
	named := &api.FlowRunFilter{Name: &api.Match[string]{Any: []string{text}}}
	runs, err := c.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{FlowRuns: named, Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), Limit: api.Some(most)})
	if err != nil {
		return nil, err
	}
	switch len(runs) {
	case 0:
	case 1:
		return &runs[0], nil
	default:
		same := make([]string, len(runs))
		for i := range runs {
			same[i] = runs[i].ID.String() + "  " + output.Text(runs[i].StateName)
		}
		return nil, cli.Usagef("several flow runs are named %q; say the id of the one that is meant", text).WithHint(strings.Join(same, "\n"))
	}
	if runs, err = c.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), Limit: api.Some(recent)}); err != nil {
		return nil, err
	}
	return among("flow run", text, runs, func(r *api.FlowRunResponse) (uuid.UUID, string) { return r.ID, r.Name })
}

// Flow finds a flow.
func Flow(ctx context.Context, c *client.Client, text string) (*api.Flow, error) {
	if id, ok := ID(text); ok {
		flow, err := c.ReadFlow(ctx, id)
		return &flow, missing("flow", text, err)
	}
	flow, err := c.ReadFlowByName(ctx, text)
	if api.CodeOf(err) != api.CodeNotFound {
		return &flow, err
	}
	flows, err := c.ReadFlows(ctx, &api.ReadFlowsRequest{Limit: api.Some(recent)})
	if err != nil {
		return nil, err
	}
	return among("flow", text, flows, func(f *api.Flow) (uuid.UUID, string) { return f.ID, f.Name })
}

// TaskRun finds a task run. Of several with one name it takes the newest.
func TaskRun(ctx context.Context, c *client.Client, text string) (*api.TaskRun, error) {
	if id, ok := ID(text); ok {
		run, err := c.ReadTaskRun(ctx, id)
		return &run, missing("task run", text, err)
	}
	named := &api.TaskRunFilter{Name: &api.Match[string]{Any: []string{text}}}
	runs, err := c.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{TaskRuns: named, Sort: api.Some(api.TaskRunSortExpectedStartTimeDesc), Limit: api.Some(1)})
	if err != nil {
		return nil, err
	}
	if len(runs) == 1 {
		return &runs[0], nil
	}
	if runs, err = c.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{Sort: api.Some(api.TaskRunSortExpectedStartTimeDesc), Limit: api.Some(recent)}); err != nil {
		return nil, err
	}
	return among("task run", text, runs, func(r *api.TaskRun) (uuid.UUID, string) { return r.ID, r.Name })
}

// Deployment finds a deployment by id or by flow/deployment. A bare name does where only
// one deployment has it.
func Deployment(ctx context.Context, c *client.Client, text string) (*api.DeploymentResponse, error) {
	if id, ok := ID(text); ok {
		d, err := c.ReadDeployment(ctx, id)
		return &d, missing("deployment", text, err)
	}
	if flow, name, ok := strings.Cut(text, "/"); ok {
		d, err := c.ReadDeploymentByName(ctx, flow, name)
		if api.CodeOf(err) != api.CodeNotFound {
			return &d, err
		}
	}
	list, err := c.ReadDeployments(ctx, &api.ReadDeploymentsRequest{Limit: api.Some(recent)})
	if err != nil {
		return nil, err
	}
	names, err := DeploymentNames(ctx, c, list)
	if err != nil {
		return nil, err
	}
	var found *api.DeploymentResponse
	for i := range list {
		if list[i].Name == text && found != nil {
			return nil, cli.Usagef("several deployments are named %q; say flow/deployment", text)
		}
		if list[i].Name == text {
			found = &list[i]
		}
	}
	if found != nil {
		return found, nil
	}
	return among("deployment", text, list, func(d *api.DeploymentResponse) (uuid.UUID, string) { return d.ID, names[d.ID] })
}

// DeploymentNames returns the full names, flow/deployment, of deployments by their ids.
func DeploymentNames(ctx context.Context, c *client.Client, list []api.DeploymentResponse) (map[uuid.UUID]string, error) {
	flows := make([]uuid.UUID, len(list))
	for i := range list {
		flows[i] = list[i].FlowID
	}
	byFlow, err := FlowNames(ctx, c, flows)
	names := map[uuid.UUID]string{}
	for i := range list {
		names[list[i].ID] = byFlow[list[i].FlowID] + "/" + list[i].Name
	}
	return names, err
}

// FlowNames returns the names of flows by their ids, in one request.
func FlowNames(ctx context.Context, c *client.Client, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names, wanted := map[uuid.UUID]string{}, []uuid.UUID{}
	for _, id := range ids {
		if _, have := names[id]; !have {
			names[id], wanted = "", append(wanted, id)
		}
	}
	if len(wanted) == 0 {
		return names, nil
	}
	flows, err := c.ReadFlows(ctx, &api.ReadFlowsRequest{Flows: &api.FlowFilter{ID: &api.Match[uuid.UUID]{Any: wanted}}, Limit: api.Some(recent)})
	for _, f := range flows {
		names[f.ID] = f.Name
	}
	return names, err
}

// WorkPool finds a work pool by its name.
func WorkPool(ctx context.Context, c *client.Client, name string) (*api.WorkPoolResponse, error) {
	pool, err := c.ReadWorkPool(ctx, name)
	if api.CodeOf(err) != api.CodeNotFound {
		return &pool, err
	}
	pools, listErr := c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Limit: api.Some(recent)})
	if listErr != nil {
		return nil, err
	}
	names := make([]string, len(pools))
	for i := range pools {
		names[i] = pools[i].Name
	}
	return nil, cli.NotFound("work pool", name, names)
}

// Block finds a block by id or as type/name; its secrets are masked.
func Block(ctx context.Context, c *client.Client, text string) (api.BlockDocument, error) {
	if id, ok := ID(text); ok {
		block, err := c.ReadBlockDocumentByID(ctx, id, nil)
		return block, missing("block", text, err)
	}
	kind, name, ok := strings.Cut(text, "/")
	if !ok {
		return api.BlockDocument{}, cli.Usagef("%q is no block; a block is called by its type and name, as in secret/%s", text, text)
	}
	block, err := c.ReadBlockDocumentByNameForBlockType(ctx, kind, name, nil)
	if api.CodeOf(err) != api.CodeNotFound {
		return block, err
	}
	names, err := Blocks(ctx, c)
	if err != nil {
		return block, err
	}
	return block, cli.NotFound("block", text, names)
}

// missing words the refusal of an id as the absence of what was asked for.
func missing(noun, text string, err error) error {
	if api.CodeOf(err) == api.CodeNotFound {
		return cli.NotFound(noun, text, nil)
	}
	return err
}

// shortest is how much of an id tells it from a name.
const shortest = 4

// mostCandidates is how many objects an ambiguous id is told to mean.
const mostCandidates = 8

// among finds the one object whose id begins with text, or says what is near.
func among[T any](noun, text string, list []T, of func(*T) (uuid.UUID, string)) (*T, error) {
	var found *T
	var candidates []string
	names := make([]string, len(list))
	for i := range list {
		id, name := of(&list[i])
		names[i] = name
		if len(text) < shortest || !strings.HasPrefix(id.String(), strings.ToLower(text)) {
			continue
		}
		found = &list[i]
		candidates = append(candidates, id.String()+"  "+name)
	}
	switch {
	case len(candidates) == 0:
		return nil, cli.NotFound(noun, text, names)
	case len(candidates) > mostCandidates:
		rest := fmt.Sprintf("and %d more", len(candidates)-mostCandidates)
		candidates = append(candidates[:mostCandidates], rest)
	case len(candidates) == 1:
		return found, nil
	}
	return nil, cli.Usagef("several %ss have an id that begins with %q; write more of it", noun, text).WithHint(strings.Join(candidates, "\n"))
}

package find

import (
	"context"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/output"
)

// The functions below list the names of a noun, for completion; some describe them behind a tab.

// Flows lists the names of flows.
func Flows(ctx context.Context, c *client.Client) ([]string, error) {
	flows, err := c.ReadFlows(ctx, &api.ReadFlowsRequest{Limit: api.Some(recent)})
	return namesOf(flows, func(f *api.Flow) string { return f.Name }), err
}

// Deployments lists the full names of deployments.
func Deployments(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.ReadDeployments(ctx, &api.ReadDeploymentsRequest{Limit: api.Some(recent)})
	if err != nil {
		return nil, err
	}
	names, err := DeploymentNames(ctx, c, list)
	offers := namesOf(list, func(d *api.DeploymentResponse) string {
		return described(names[d.ID], output.Text(d.Status), output.Text(d.WorkPoolName))
	})
	slices.Sort(offers)
	return offers, err
}

// FlowRuns lists the names of the newest flow runs.
func FlowRuns(ctx context.Context, c *client.Client) ([]string, error) {
	runs, err := c.ReadFlowRuns(ctx, &api.ReadFlowRunsRequest{Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), Limit: api.Some(recent)})
	return namesOf(runs, func(r *api.FlowRunResponse) string { return described(r.Name, output.Text(r.StateName)) }), err
}

// TaskRuns lists the names of the newest task runs.
func TaskRuns(ctx context.Context, c *client.Client) ([]string, error) {
	runs, err := c.ReadTaskRuns(ctx, &api.ReadTaskRunsRequest{Sort: api.Some(api.TaskRunSortExpectedStartTimeDesc), Limit: api.Some(recent)})
	return namesOf(runs, func(r *api.TaskRun) string { return described(r.Name, output.Text(r.StateName)) }), err
}

// WorkPools lists the names of work pools.
func WorkPools(ctx context.Context, c *client.Client) ([]string, error) {
	pools, err := c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Limit: api.Some(recent)})
	return namesOf(pools, func(p *api.WorkPoolResponse) string { return described(p.Name, p.Type, output.Text(p.Status)) }), err
}

// Variables lists the names of variables.
func Variables(ctx context.Context, c *client.Client) ([]string, error) {
	variables, err := c.ReadVariables(ctx, &api.ReadVariablesRequest{Limit: api.Some(recent)})
	return namesOf(variables, func(v *api.Variable) string { return v.Name }), err
}

// Artifacts lists the keys of artifacts.
func Artifacts(ctx context.Context, c *client.Client) ([]string, error) {
	artifacts, err := c.ReadLatestArtifacts(ctx, &api.ReadLatestArtifactsRequest{Limit: api.Some(recent)})
	return namesOf(artifacts, func(a *api.ArtifactCollection) string { return a.Key }), err
}

// described is a name with what is said about it, behind a tab.
func described(name string, about ...string) string {
	about = slices.DeleteFunc(about, func(text string) bool { return text == "" })
	if len(about) == 0 {
		return name
	}
	return name + "\t" + strings.Join(about, ", ")
}

func namesOf[T any](list []T, name func(*T) string) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = name(&list[i])
	}
	return names
}

// Automations lists the names of automations.
func Automations(ctx context.Context, c *client.Client) ([]string, error) {
	automations, err := c.ReadAutomations(ctx, &api.ReadAutomationsRequest{Limit: api.Some(recent)})
	return namesOf(automations, func(a *api.Automation) string { return a.Name }), err
}

// BlockTypes lists the slugs of block types.
func BlockTypes(ctx context.Context, c *client.Client) ([]string, error) {
	types, err := c.ReadBlockTypes(ctx, &api.ReadBlockTypesRequest{Limit: api.Some(recent)})
	return namesOf(types, func(t *api.BlockType) string { return t.Slug }), err
}

// Blocks lists the blocks as type/name.
func Blocks(ctx context.Context, c *client.Client) ([]string, error) {
	documents, err := c.ReadBlockDocuments(ctx, &api.ReadBlockDocumentsRequest{Limit: api.Some(recent)})
	return namesOf(documents, BlockSlug), err
}

// BlockSlug is how a block is called on the command line: type/name.
func BlockSlug(b *api.BlockDocument) string {
	slug := ""
	if b.BlockType != nil {
		slug = b.BlockType.Slug
	}
	if b.Name != nil {
		return slug + "/" + *b.Name
	}
	return slug + "/"
}

package flowrun

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// selection chooses flow runs by what they are like.
type selection struct {
	env         *cli.Env
	flows       []string
	deployments []string
	name        string
	tags        []string
	states      []string
	types       []string
	older       time.Duration
	newer       time.Duration
}

func (s *selection) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&s.flows, "flow-name", nil, "only runs of this `flow`; repeatable")
	flags.StringArrayVar(&s.deployments, "deployment", nil, "only runs of this `deployment`; repeatable")
	flags.StringVar(&s.name, "name", "", "only runs whose name contains this `text`")
	flags.StringArrayVar(&s.tags, "tag", nil, "only runs with this `tag`; repeatable, all have to be there")
	flags.StringArrayVar(&s.states, "state", nil, "only runs in the state of this `name`; repeatable")
	flags.StringArrayVar(&s.types, "state-type", nil, "only runs in a state of this `type`; repeatable")
	flags.DurationVar(&s.older, "older-than", 0, "only runs that were due longer ago than this, as in 90m or 48h")
	flags.DurationVar(&s.newer, "newer-than", 0, "only runs that were due since this long ago")
	_ = cmd.RegisterFlagCompletionFunc("flow-name", s.env.Complete(find.Flows)) // the flags are there
	_ = cmd.RegisterFlagCompletionFunc("deployment", s.env.Complete(find.Deployments))
	_ = cmd.RegisterFlagCompletionFunc("state-type", cobra.FixedCompletions(api.StateType("").Values(), cobra.ShellCompDirectiveNoFileComp))
}

// isGiven says that there is any choice.
func (s *selection) isGiven() bool {
	return len(s.flows)+len(s.deployments)+len(s.tags)+len(s.states)+len(s.types) > 0 || s.name != "" || s.older > 0 || s.newer > 0
}

// read reads the chosen runs, the newest first, at most limit of them; 0 means all.
func (s *selection) read(ctx context.Context, c *client.Client, limit int) ([]api.FlowRunResponse, error) {
	request, err := s.request(ctx, c)
	if err != nil {
		return nil, err
	}
	return find.Pages(limit, func(offset, limit int) ([]api.FlowRunResponse, error) {
		request.Offset, request.Limit = api.Some(offset), api.Some(limit)
		return c.ReadFlowRuns(ctx, request)
	})
}

func (s *selection) request(ctx context.Context, c *client.Client) (*api.ReadFlowRunsRequest, error) {
	request := &api.ReadFlowRunsRequest{Sort: api.Some(api.FlowRunSortExpectedStartTimeDesc), FlowRuns: &api.FlowRunFilter{}}
	f := request.FlowRuns
	if len(s.flows) > 0 {
		request.Flows = &api.FlowFilter{Name: &api.Match[string]{Any: s.flows}}
	}
	if s.name != "" {
		f.Name = &api.Match[string]{Like: &s.name}
	}
	if len(s.tags) > 0 {
		f.Tags = &api.FlowRunFilterTags{All: s.tags}
	}
	f.ExpectedStartTime = s.due()
	for _, name := range s.deployments {
		d, err := find.Deployment(ctx, c, name)
		if err != nil {
			return nil, err
		}
		if f.DeploymentID == nil {
			f.DeploymentID = &api.FlowRunFilterDeploymentId{}
		}
		f.DeploymentID.Any = append(f.DeploymentID.Any, d.ID)
	}
	var err error
	f.State, err = s.state()
	return request, err
}

// due is when the runs were to start.
func (s *selection) due() *api.Span {
	if s.older == 0 && s.newer == 0 {
		return nil
	}
	span, now := &api.Span{}, s.env.Now()
	if s.older > 0 {
		span.Before = api.AtPtr(now.Add(-s.older))
	}
	if s.newer > 0 {
		span.After = api.AtPtr(now.Add(-s.newer))
	}
	return span
}

func (s *selection) state() (*api.FlowRunFilterState, error) {
	types, err := find.StateTypes(s.types)
	if err != nil || len(s.states)+len(types) == 0 {
		return nil, err
	}
	state := &api.FlowRunFilterState{}
	if len(s.states) > 0 {
		state.Name = &api.Match[string]{Any: find.StateNames(s.env, s.states)}
	}
	if len(types) > 0 {
		state.Type = &api.Match[api.StateType]{Any: types}
	}
	return state, nil
}

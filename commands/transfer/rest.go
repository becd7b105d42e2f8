package transfer

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// unfit is why the target can't have a work pool, "" if it can.
func (p *plan) unfit(w api.WorkPoolResponse) string {
	switch cloud := strings.Contains(p.target.BaseURL(), "/workspaces/"); {
	case strings.HasSuffix(w.Type, ":managed"):
		return "its infrastructure is managed, and stays where it is"
	case strings.HasSuffix(w.Type, ":push") && !cloud:
		return "only Prefect Cloud pushes"
	}
	return ""
}

// ofDeployments begins the names of the limits that deployments make for themselves.
const ofDeployments = "deployment:"

func (p *plan) limits(ctx context.Context) error {
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.GlobalConcurrencyLimitResponse, error) {
		return c.ReadAllConcurrencyLimitsV2(ctx, &api.ReadAllConcurrencyLimitsV2Request{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(l *api.GlobalConcurrencyLimitResponse) (string, uuid.UUID) { return l.Name, l.ID })
	for _, l := range list {
		if strings.HasPrefix(l.Name, ofDeployments) {
			continue
		}
		l.ActiveSlots = 0 // whoever holds them runs at the source
		p.copy("global limit", l.Name, l.ID, existing, nil, func(ctx context.Context) (uuid.UUID, error) {
			request, err := requestFor[api.ConcurrencyLimitV2Create](p, l)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateConcurrencyLimitV2(ctx, &request)
			return made.ID, err
		})
	}
	return err
}

func (p *plan) flowsAndDeployments(ctx context.Context) error {
	flows, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.Flow, error) {
		return c.ReadFlows(ctx, &api.ReadFlowsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(f *api.Flow) (string, uuid.UUID) { return f.Name, f.ID })
	names := map[uuid.UUID]string{}
	for _, f := range flows {
		names[f.ID] = f.Name
		p.copy("flow", f.Name, f.ID, existing, nil, func(ctx context.Context) (uuid.UUID, error) {
			request, err := requestFor[api.FlowCreate](p, f)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateFlow(ctx, &request)
			return made.ID, err
		})
	}
	if err != nil {
		return err
	}
	return p.deployments(ctx, names, existing)
}

// deployments are told apart by the names of their flows and their own.
func (p *plan) deployments(ctx context.Context, flows map[uuid.UUID]string, flowsThere map[string]uuid.UUID) error {
	theirs := map[uuid.UUID]string{}
	for name, id := range flowsThere {
		theirs[id] = name
	}
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.DeploymentResponse, error) {
		return c.ReadDeployments(ctx, &api.ReadDeploymentsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(d *api.DeploymentResponse) (string, uuid.UUID) { return theirs[d.FlowID] + "/" + d.Name, d.ID })
	for _, d := range list {
		p.copy("deployment", flows[d.FlowID]+"/"+d.Name, d.ID, existing, needsOf(d), func(ctx context.Context) (uuid.UUID, error) {
			request, err := p.deploymentRequest(d)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateDeployment(ctx, &request)
			return made.ID, err
		})
	}
	return err
}

func needsOf(d api.DeploymentResponse) []uuid.UUID {
	needs := []uuid.UUID{d.FlowID}
	for _, id := range []*uuid.UUID{d.StorageDocumentID, d.InfrastructureDocumentID} {
		if id != nil {
			needs = append(needs, *id)
		}
	}
	return needs
}

func (p *plan) deploymentRequest(d api.DeploymentResponse) (api.DeploymentCreate, error) {
	schedules := d.Schedules
	d.Schedules = nil
	request, err := requestFor[api.DeploymentCreate](p, d)
	if err != nil {
		return request, err
	}
	made := make([]api.DeploymentScheduleCreate, len(schedules))
	for i, s := range schedules {
		if made[i], err = requestFor[api.DeploymentScheduleCreate](p, s); err != nil {
			return request, err
		}
	}
	request.Schedules = api.Some(made)
	if d.GlobalConcurrencyLimit != nil {
		request.ConcurrencyLimit = api.Some(d.GlobalConcurrencyLimit.Limit)
	}
	return request, nil
}

func (p *plan) automations(ctx context.Context) error {
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.Automation, error) {
		return c.ReadAutomations(ctx, &api.ReadAutomationsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(a *api.Automation) (string, uuid.UUID) { return a.Name, a.ID })
	for _, a := range list {
		p.copy("automation", a.Name, a.ID, existing, nil, func(ctx context.Context) (uuid.UUID, error) {
			var err error
			if a.Trigger, err = withoutIDs(a.Trigger); err != nil {
				return uuid.Nil, err
			}
			request, err := requestFor[api.AutomationCreate](p, a)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateAutomation(ctx, &request)
			return made.ID, err
		})
	}
	return err
}

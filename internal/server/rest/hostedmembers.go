package rest

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// whole gives answers below an account's path the members that clients of the hosted
// service find there, with or without a value. Others get the answer of the self-hosted
// contract.
func (r *request) whole(c *core.Core, out answer) (answer, error) {
	if r.who.Account == nil {
		each(out.body, func(d *api.DeploymentResponse) { d.VersionID, d.VersionInfo = nil, nil })
		return out, nil
	}
	account, workspace := r.who.Account, &r.who.Workspace
	each(out.body, func(f *api.Flow) { f.AccountID, f.WorkspaceID, f.Whole = account, workspace, true })
	each(out.body, func(l *api.ConcurrencyLimit) { l.AccountID, l.WorkspaceID = account, workspace })
	each(out.body, func(l *api.GlobalConcurrencyLimitResponse) { l.AccountID, l.WorkspaceID = account, workspace })
	each(out.body, func(e *api.ReceivedEvent) { e.Account, e.Workspace = account, workspace })
	each(out.body, func(a *api.Automation) {
		a.Account, a.Workspace, a.AccountID, a.WorkspaceID, a.Whole = account, workspace, account, workspace, true
	})
	each(out.body, func(s *api.DeploymentSchedule) { s.AccountID, s.WorkspaceID = account, workspace })
	each(out.body, func(d *api.DeploymentResponse) {
		d.AccountID, d.WorkspaceID, d.Whole = account, workspace, true
		for i := range d.Schedules {
			d.Schedules[i].AccountID, d.Schedules[i].WorkspaceID = account, workspace
		}
	})
	if err := r.seePools(c, out.body); err != nil {
		return out, err
	}
	return out, r.nameFlows(c, out.body)
}

// seePools tells work pools when they were last asked for runs, and queues their pools.
func (r *request) seePools(c *core.Core, body any) error {
	ids := map[uuid.UUID]bool{}
	each(body, func(p *api.WorkPoolResponse) { ids[p.ID] = true })
	each(body, func(q *api.WorkQueueResponse) {
		if q.WorkPoolID != nil {
			ids[*q.WorkPoolID] = true
		}
	})
	if len(ids) == 0 {
		return nil
	}
	pools, err := c.PoolsAsSeen(r.Context(), r.who, ids)
	each(body, func(p *api.WorkPoolResponse) {
		p.IsPushPool, p.IsMexPool, p.Whole = orFalse(p.IsPushPool), orFalse(p.IsMexPool), true
		if seen := pools[p.ID]; seen != nil {
			p.LastPolled = seen.LastPolled
		}
	})
	each(body, func(q *api.WorkQueueResponse) {
		q.Whole = true
		if q.WorkPoolID == nil || pools[*q.WorkPoolID] == nil {
			return
		}
		p := pools[*q.WorkPoolID]
		q.WorkPool = &api.WorkPool{
			ID: p.ID, Created: p.Created, Updated: p.Updated, Name: p.Name, Description: p.Description, Type: p.Type, BaseJobTemplate: p.BaseJobTemplate,
			IsPaused: p.IsPaused, ConcurrencyLimit: p.ConcurrencyLimit, IsPushPool: *orFalse(p.IsPushPool), IsMexPool: *orFalse(p.IsMexPool), Status: p.Status,
			StorageConfiguration: p.StorageConfiguration, LastPolled: p.LastPolled, CreatedBy: p.CreatedBy, UpdatedBy: p.UpdatedBy,
		}
		if p.DefaultQueueID != nil {
			q.WorkPool.DefaultQueueID = *p.DefaultQueueID
		}
	})
	return err
}

// nameFlows tells flow runs the names of their flows.
func (r *request) nameFlows(c *core.Core, body any) error {
	flows := map[uuid.UUID]bool{}
	each(body, func(run *api.FlowRunResponse) { flows[run.FlowID] = true })
	if len(flows) == 0 {
		return nil
	}
	names, err := c.FlowNames(r.Context(), r.who, flows)
	each(body, func(run *api.FlowRunResponse) {
		run.Whole = true
		if name, known := names[run.FlowID]; known {
			run.FlowName = &name
		}
	})
	return err
}

func orFalse(b *bool) *bool {
	if b == nil {
		return new(bool)
	}
	return b
}

// each calls do for the objects of one kind that an answer is, lists, or has a page of.
func each[T any](body any, do func(*T)) {
	var list []T
	switch body := body.(type) {
	case *T:
		if body != nil {
			do(body)
		}
		return
	case []T:
		list = body
	default:
		list, _ = resultsOf(body).([]T)
	}
	for i := range list {
		do(&list[i])
	}
}

// resultsOf is the list in the answer of an operation that answers page by page.
func resultsOf(body any) any {
	switch page := body.(type) {
	case *api.FlowPaginationResponse:
		return page.Results
	case *api.FlowRunPaginationResponse:
		return page.Results
	case *api.WorkPoolPaginationResponse:
		return page.Results
	case *api.WorkQueuePaginatedResponse:
		return page.Results
	case *api.DeploymentPaginationResponse:
		return page.Results
	case *api.ConcurrencyLimitV2PaginationResponse:
		return page.Results
	case api.EventPage:
		return page.Events
	case *api.EventPage:
		return page.Events
	}
	return nil
}

// decodeHistory decodes the request for a history. Clients below an account's path call its
// interval by the name that the hosted service has for it.
func (r *request) decodeHistory(in any) error {
	if r.who.Account == nil {
		return r.decode(in)
	}
	body, err := r.read()
	if err != nil {
		return err
	}
	var sent map[string]jsontext.Value
	if json.Unmarshal(body, &sent) == nil && sent["history_interval"] != nil && sent["history_interval_seconds"] == nil {
		sent["history_interval_seconds"] = sent["history_interval"]
		delete(sent, "history_interval")
		if body, err = json.Marshal(sent, json.Deterministic(true)); err != nil {
			return err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r.decode(in)
}

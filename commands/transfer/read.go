package transfer

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/find"
)

// all reads every page of both servers: the source's objects, and the ids of the target's by
// name.
func all[T any](p *plan, read func(c *client.Client, offset, limit int) ([]T, error), key func(*T) (string, uuid.UUID)) ([]T, map[string]uuid.UUID, error) {
	from := func(c *client.Client) ([]T, error) {
		return find.Pages(0, func(offset, limit int) ([]T, error) { return read(c, offset, limit) })
	}
	theirs, err := from(p.source)
	if err != nil {
		return nil, nil, err
	}
	list, err := from(p.target)
	if err != nil {
		return nil, nil, err
	}
	existing := make(map[string]uuid.UUID, len(list))
	for i := range list {
		name, id := key(&list[i])
		existing[name] = id
	}
	return theirs, existing, nil
}

// makePlan reads both servers, kind after kind: each kind may need those before it.
func makePlan(ctx context.Context, source, target *client.Client) (*plan, error) {
	p := &plan{source: source, target: target, ids: map[uuid.UUID]uuid.UUID{}}
	for _, kind := range []func(context.Context) error{
		p.blocks, p.variables, p.limits, p.pools, p.queues, p.flowsAndDeployments, p.automations,
	} {
		if err := kind(ctx); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *plan) variables(ctx context.Context) error {
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.Variable, error) {
		return c.ReadVariables(ctx, &api.ReadVariablesRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(v *api.Variable) (string, uuid.UUID) { return v.Name, v.ID })
	for _, v := range list {
		p.copy("variable", v.Name, v.ID, existing, nil, func(ctx context.Context) (uuid.UUID, error) {
			request, err := requestFor[api.VariableCreate](p, v)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateVariable(ctx, &request)
			return made.ID, err
		})
	}
	return err
}

func (p *plan) pools(ctx context.Context) error {
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.WorkPoolResponse, error) {
		return c.ReadWorkPools(ctx, &api.ReadWorkPoolsRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(w *api.WorkPoolResponse) (string, uuid.UUID) { return w.Name, w.ID })
	for _, w := range list {
		if reason := p.unfit(w); reason != "" {
			p.leave("work pool", w.Name, w.ID, existing[w.Name], reason)
			continue
		}
		var needs []uuid.UUID
		if id := w.StorageConfiguration.DefaultResultStorageBlockID; id != nil {
			needs = append(needs, *id)
		}
		p.copy("work pool", w.Name, w.ID, existing, needs, func(ctx context.Context) (uuid.UUID, error) {
			request, err := requestFor[api.WorkPoolCreate](p, w)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateWorkPool(ctx, &request)
			return made.ID, err
		})
	}
	return err
}

func (p *plan) queues(ctx context.Context) error {
	list, existing, err := all(p, func(c *client.Client, offset, limit int) ([]api.WorkQueueResponse, error) {
		return c.ReadWorkQueues(ctx, &api.ReadWorkQueuesRequest{Offset: api.Some(offset), Limit: api.Some(limit)})
	}, func(q *api.WorkQueueResponse) (string, uuid.UUID) { return queueName(q), q.ID })
	for _, q := range list {
		if q.WorkPoolID == nil || q.Name == "default" { // made with its pool
			continue
		}
		p.copy("work queue", queueName(&q), q.ID, existing, []uuid.UUID{*q.WorkPoolID}, func(ctx context.Context) (uuid.UUID, error) {
			request, err := requestFor[api.WorkQueueCreate](p, q)
			if err != nil {
				return uuid.Nil, err
			}
			made, err := p.target.CreateWorkQueueInWorkPools(ctx, *q.WorkPoolName, &request)
			return made.ID, err
		})
	}
	return err
}

func queueName(q *api.WorkQueueResponse) string {
	if q.WorkPoolName == nil {
		return q.Name
	}
	return *q.WorkPoolName + "/" + q.Name
}

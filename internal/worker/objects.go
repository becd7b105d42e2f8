package worker

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
)

// keepObjects is how long a deployment or a flow is good without asking again.
const keepObjects = time.Minute

// objects reads flows, which don't change in what the worker looks at, at most once a
// minute. Deployments are read each time: a new job variable must count for the next run.
type objects struct {
	client *client.Client
	now    func() time.Time

	mu    sync.Mutex
	flows map[uuid.UUID]cached
}

type cached struct {
	flow api.Flow
	at   time.Time
}

func newObjects(c *client.Client, now func() time.Time) *objects {
	return &objects{client: c, now: now, flows: map[uuid.UUID]cached{}}
}

func (o *objects) flow(ctx context.Context, id uuid.UUID) (api.Flow, error) {
	o.mu.Lock()
	c, ok := o.flows[id]
	o.mu.Unlock()
	if ok && o.now().Sub(c.at) < keepObjects {
		return c.flow, nil
	}
	flow, err := o.client.ReadFlow(ctx, id)
	if err != nil {
		return api.Flow{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flows[id] = cached{flow, o.now()}
	return flow, nil
}

func (o *objects) deployment(ctx context.Context, run *api.FlowRun) (*api.DeploymentResponse, error) {
	if run.DeploymentID == nil {
		return nil, nil //nolint:nilnil // a run may have no deployment
	}
	d, err := o.client.DeploymentOfRun(ctx, *run.DeploymentID, run.DeploymentVersionID)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

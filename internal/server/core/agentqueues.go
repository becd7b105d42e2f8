package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// The use cases below know queues by id, or by name in the pool of the old agents.

// CreateAgentQueue makes a queue in the pool of queues that are named without one.
func (c *Core) CreateAgentQueue(ctx context.Context, who Caller, in *api.WorkQueueCreate) (*api.WorkQueueResponse, error) {
	var q *api.WorkQueueResponse
	err := c.write(ctx, who, func(w *work) error {
		known, err := maybe(w.WorkPool(agentsPool))
		if err != nil {
			return err
		}
		p, err := w.poolOrAgents(agentsPool)
		if err != nil {
			return err
		}
		if known == nil && in.Name == "default" { // it came with the pool
			q, err = w.WorkQueue(*p.DefaultQueueID)
			return err
		}
		q, err = w.newQueue(p, in)
		return taken(err, "A work queue with this name already exists.")
	})
	return q, err
}

// WorkQueue returns a queue by its id.
func (c *Core) WorkQueue(ctx context.Context, who Caller, id uuid.UUID) (*api.WorkQueueResponse, error) {
	return noQueue(value(ctx, c, who, func(tx *store.Tx) (*api.WorkQueueResponse, error) { return tx.WorkQueue(id) }))
}

// AgentQueue returns a queue by its name.
func (c *Core) AgentQueue(ctx context.Context, who Caller, name string) (*api.WorkQueueResponse, error) {
	return noQueue(value(ctx, c, who, func(tx *store.Tx) (*api.WorkQueueResponse, error) { return tx.QueueByName(agentsPool, name) }))
}

func noQueue(q *api.WorkQueueResponse, err error) (*api.WorkQueueResponse, error) {
	if errors.Is(err, store.ErrNoRows) {
		return nil, api.Errorf(api.CodeNotFound, "work queue not found")
	}
	return q, err
}

// WorkQueues lists queues of all pools by name.
func (c *Core) WorkQueues(ctx context.Context, who Caller, f *api.WorkQueueFilter, limit, offset int) ([]api.WorkQueueResponse, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.WorkQueueResponse, error) { return tx.WorkQueues(nil, f, limit, offset) })
}

// UpdateWorkQueue changes what the request names of a queue.
func (c *Core) UpdateWorkQueue(ctx context.Context, who Caller, id uuid.UUID, in *api.WorkQueueUpdate) error {
	return c.write(ctx, who, func(w *work) error { return w.updateQueueByID(id, in) })
}

func (w *work) updateQueueByID(id uuid.UUID, in *api.WorkQueueUpdate) error {
	q, p, err := queueByID(w.Tx, id)
	if api.CodeOf(err) == api.CodeNotFound {
		return api.Errorf(api.CodeNotFound, "Work Queue %s not found", id)
	}
	if err != nil {
		return err
	}
	return w.updateQueue(q, p, in)
}

// DeleteWorkQueue deletes a queue, but not the default one of its pool.
func (c *Core) DeleteWorkQueue(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		q, p, err := queueByID(w.Tx, id)
		if err != nil {
			return err
		}
		return w.deleteQueue(q, p)
	})
}

// AgentRuns returns the runs that wait in a queue, and notes the poll unless somebody
// just looks.
func (c *Core) AgentRuns(ctx context.Context, who Caller, id uuid.UUID, in *api.ReadWorkQueueRunsRequest, limit int, justLooks bool) ([]api.FlowRunResponse, error) {
	now := c.now()
	var q *api.WorkQueueResponse
	runs, err := value(ctx, c, who, func(tx *store.Tx) (runs []api.FlowRunResponse, err error) {
		if q, err = tx.WorkQueue(id); errors.Is(err, store.ErrNoRows) {
			return nil, exception(api.CodeNotFound, fmt.Sprintf("Work queue with id %s not found.", id))
		}
		if err != nil {
			return nil, err
		}
		return tx.NamedRuns(q, in.ScheduledBefore.Ptr(), limit, now)
	})
	for i := range runs { // agents know of no pools
		runs[i].WorkPoolID, runs[i].WorkPoolName = nil, nil
	}
	if err != nil || justLooks {
		return runs, err
	}
	polled := store.QueueSlots{ID: q.ID, Status: *q.Status, LastPolled: q.LastPolled}
	return runs, c.notePolls(ctx, who, []store.QueueSlots{polled}, now)
}

func unknownQueue(id uuid.UUID) error {
	return notThere("Work queue", id)
}

// The policy by which a queue counts as healthy.
const (
	maxLateRuns    = 0
	maxPollSilence = 60
)

// WorkQueueStatus says how a queue is.
func (c *Core) WorkQueueStatus(ctx context.Context, who Caller, id uuid.UUID) (*api.WorkQueueStatusDetail, error) {
	late, silence := maxLateRuns, maxPollSilence
	out := &api.WorkQueueStatusDetail{HealthCheckPolicy: api.WorkQueueHealthPolicy{MaximumLateRuns: &late, MaximumSecondsSinceLastPolled: &silence}}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		q, err := tx.WorkQueue(id)
		if errors.Is(err, store.ErrNoRows) {
			return unknownQueue(id)
		}
		if err != nil {
			return err
		}
		out.LastPolled = q.LastPolled
		out.LateRunsCount, err = tx.LateRuns(id)
		isPolled := q.LastPolled != nil && c.Clock().Sub(q.LastPolled.Time) <= recently
		out.Healthy = isPolled && out.LateRunsCount <= maxLateRuns
		return err
	})
}

// QueueConcurrency says which runs hold the slots of a queue, page by page.
func (c *Core) QueueConcurrency(ctx context.Context, who Caller, id uuid.UUID, limit, page int) (*api.WorkQueueConcurrencyStatus, error) {
	out := &api.WorkQueueConcurrencyStatus{Limit: limit, Page: page, FlowRuns: []api.FlowRunSlotSummary{}}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		q, err := tx.WorkQueue(id)
		if errors.Is(err, store.ErrNoRows) {
			return api.Errorf(api.CodeNotFound, "Work queue not found.")
		}
		if err != nil {
			return err
		}
		out.ConcurrencyLimit = q.ConcurrencyLimit
		if out.Count, err = tx.CountQueueSlotHolders(q); err != nil {
			return err
		}
		out.ActiveSlots, out.Pages = out.Count, pages(out.Count, limit)
		holders, err := tx.QueueSlotHolders(q, limit, limit*(page-1), c.now())
		for _, h := range holders {
			out.FlowRuns = append(out.FlowRuns, h.FlowRunSlotSummary)
		}
		return err
	})
}

// PoolConcurrency says which runs hold the slots of a pool, queue by queue.
func (c *Core) PoolConcurrency(ctx context.Context, who Caller, name string, limit, page, runs int) (*api.WorkPoolConcurrencyStatus, error) {
	out := &api.WorkPoolConcurrencyStatus{Limit: limit, Page: page, Queues: []api.WorkQueueConcurrencyStatusDetail{}}
	return out, c.read(ctx, who, func(tx *store.Tx) error {
		p, err := tx.WorkPool(name)
		if errors.Is(err, store.ErrNoRows) {
			return api.Errorf(api.CodeNotFound, "Work pool '%s' not found.", name)
		}
		if err != nil {
			return err
		}
		queues, err := tx.QueueSlotsOf(p.ID)
		if err != nil {
			return err
		}
		out.ConcurrencyLimit, out.ActiveSlots, out.Count = p.ConcurrencyLimit, slotsHeld(queues), len(queues)
		out.Pages = pages(out.Count, limit)
		first := min(limit*(page-1), len(queues))
		out.Queues, err = queueDetails(tx, queues[first:min(first+limit, len(queues))], runs, c.now())
		return err
	})
}

func queueDetails(tx *store.Tx, queues []store.QueueSlots, runs int, now api.Time) ([]api.WorkQueueConcurrencyStatusDetail, error) {
	ids, at := make([]uuid.UUID, len(queues)), map[uuid.UUID]int{}
	out := make([]api.WorkQueueConcurrencyStatusDetail, len(queues))
	for i, q := range queues {
		ids[i], at[q.ID] = q.ID, i
		out[i] = api.WorkQueueConcurrencyStatusDetail{
			QueueID: q.ID, QueueName: q.Name, ActiveSlots: q.Active, ConcurrencyLimit: q.Limit, FlowRunCount: &q.Active,
			FlowRuns: []api.FlowRunSlotSummary{},
		}
	}
	holders, err := tx.PoolSlotHolders(ids, runs, now)
	for _, h := range holders {
		d := &out[at[*h.WorkQueueID]]
		d.FlowRuns = append(d.FlowRuns, h.FlowRunSlotSummary)
	}
	return out, err
}

// QueuesFor lists the queues that hand out runs of a deployment as far as their filters
// say.
func (c *Core) QueuesFor(ctx context.Context, who Caller, deployment uuid.UUID) ([]api.WorkQueue, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.WorkQueue, error) {
		d, err := tx.Deployment(deployment)
		if errors.Is(err, store.ErrNoRows) {
			return nil, api.NotFound("Deployment")
		}
		if err != nil {
			return nil, err
		}
		all, err := tx.WorkQueues(nil, nil, -1, 0)
		out := []api.WorkQueue{}
		for i := range all {
			if q := &all[i]; takesDeployment(q.Filter, d) {
				out = append(out, api.WorkQueue{
					ID: q.ID, Created: q.Created, Updated: q.Updated, Name: q.Name, Description: q.Description, IsPaused: q.IsPaused,
					ConcurrencyLimit: q.ConcurrencyLimit, Priority: q.Priority, WorkPoolID: q.WorkPoolID, Filter: q.Filter, LastPolled: q.LastPolled,
				})
			}
		}
		slices.SortFunc(out, func(a, b api.WorkQueue) int { return strings.Compare(a.ID.String(), b.ID.String()) }) // oldest first
		return out, err
	})
}

func takesDeployment(f *api.QueueFilter, d *api.DeploymentResponse) bool {
	if f == nil {
		return true
	}
	for _, tag := range f.Tags {
		if !slices.Contains(d.Tags, tag) {
			return false
		}
	}
	return len(f.DeploymentIDs) == 0 || slices.Contains(f.DeploymentIDs, d.ID)
}

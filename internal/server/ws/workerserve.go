package ws

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/meter"
)

// settling is how long changes of a pool are collected into one snapshot.
const settling = 50 * time.Millisecond

// ahead is how long before its time a worker may fetch a run, to start it on the dot.
const ahead = 10 * time.Second

// serve answers the worker and what happens on the server until one of them is gone.
func (c *workerChannel) serve(ctx context.Context, said <-chan saying, broken <-chan error) error {
	var settled <-chan time.Time
	defer c.due.Stop()
	retry, stop := c.cleanups.retry()
	defer stop()
	if err := c.handOutCleanups(ctx); err != nil {
		return err
	}
	for {
		var err error
		select {
		case err := <-broken:
			return err
		case s := <-said:
			err = c.hear(ctx, &s)
		case change := <-c.pools.C:
			if settled, err = c.poolChanged(ctx, change, settled); err != nil {
				return err
			}
		case <-settled:
			settled = nil
			err = c.snapshot(ctx, "work_pool_updated")
		case run := <-c.ready.C:
			err = c.runReady(ctx, run)
		case change := <-c.states.C:
			err = c.runMoved(ctx, change)
		case <-c.due.C:
			err = c.lookAndTell(ctx)
		case asked := <-c.asked.C:
			if asked.WorkPoolID == c.pool.ID && asked.Workspace == c.who.Workspace {
				err = c.handOutCleanups(ctx)
			}
		case <-c.asked.Missed:
			err = c.handOutCleanups(ctx)
		case <-retry:
			err = c.handOutCleanups(ctx)
		case <-c.ready.Missed:
			err = c.lookAndTell(ctx)
		case <-c.states.Missed:
			err = c.lookAndTell(ctx)
		case <-c.pools.Missed:
			err = c.snapshot(ctx, "work_pool_updated")
		}
		if err != nil {
			return err
		}
	}
}

func (c *workerChannel) hear(ctx context.Context, s *saying) error {
	if s.beat != nil {
		return c.heartbeat(ctx, s.beat)
	}
	return c.operateCleanup(ctx, s)
}

func (c *workerChannel) heartbeat(ctx context.Context, beat *workerBeat) error {
	p, err := c.core.BeatChannel(ctx, c.who, c.pool.ID, beat.ConsumerID, beat.WorkerName, beat.Interval)
	switch {
	case api.CodeOf(err) == api.CodeNotFound:
		return errUnauthorized
	case err != nil:
		c.core.Meter.Count(meter.WorkerHeartbeatFailures, 1)
		c.log.ErrorContext(ctx, "a worker's heartbeat could not be stored", "worker", beat.WorkerName, "error", err)
		return errHeartbeat
	case p.Updated.Equal(c.pool.Updated.Time):
		return nil
	}
	return c.snapshot(ctx, "heartbeat_reconciliation")
}

// poolChanged notes a change of some pool; settled fires when the worker is to be told.
func (c *workerChannel) poolChanged(ctx context.Context, change core.WorkPoolChanged, settled <-chan time.Time) (<-chan time.Time, error) {
	switch {
	case change.WorkPoolID != c.pool.ID || change.Workspace != c.who.Workspace:
		return settled, nil
	case change.Deleted:
		return settled, errUnauthorized
	}
	if err := c.lookAndTell(ctx); err != nil {
		return settled, err
	}
	if change.Snapshot && settled != nil {
		c.core.Meter.Count(meter.WorkerSnapshots, 1, "coalesced")
	}
	if change.Snapshot && settled == nil {
		settled = time.After(settling)
	}
	return settled, nil
}

// snapshot tells the worker what its pool is now.
func (c *workerChannel) snapshot(ctx context.Context, reason string) error {
	p, err := c.core.WorkPoolByID(ctx, c.who, c.pool.ID)
	if err != nil {
		return c.refusal(ctx, err)
	}
	c.pool = p
	c.sequence++
	c.core.Meter.Count(meter.WorkerSnapshots, 1, "sent")
	return c.send(ctx, frameSnapshot, poolSnapshot{c.sequence, reason, p})
}

// look finds out when the next run of the pool is due and sets the clock.
func (c *workerChannel) look(ctx context.Context) error {
	if c.due == nil {
		c.due = time.NewTimer(time.Hour)
	}
	outlook, err := c.core.PoolOutlook(ctx, c.who, c.pool.ID)
	if err != nil {
		return c.refusal(ctx, err)
	}
	c.outlook = outlook
	c.setDue()
	return nil
}

// setDue lets the timer fire when the next run is due, or never for all that matters.
func (c *workerChannel) setDue() {
	wait := 24 * time.Hour
	if c.pushes && c.outlook.NextDue != nil {
		wait = min(wait, c.outlook.NextDue.Sub(c.core.Clock()))
	}
	c.due.Reset(wait)
}

// lookAndTell looks again and lets the worker ask for runs.
func (c *workerChannel) lookAndTell(ctx context.Context) error {
	if err := c.look(ctx); err != nil {
		return err
	}
	queues := make([]uuid.UUID, 0, len(c.outlook.Queues))
	for id := range c.outlook.Queues {
		queues = append(queues, id)
	}
	return c.tell(ctx, queues)
}

// tell lets the worker ask for runs of some queues, if it wants to hear of them.
func (c *workerChannel) tell(ctx context.Context, queues []uuid.UUID) error {
	if !c.pushes || len(queues) == 0 {
		return nil
	}
	return c.send(ctx, frameRunsAvailable, runsAvailable{queues})
}

// runReady is told of runs that wait: those of the pool that are due soon are passed on,
// for later ones the clock is set.
func (c *workerChannel) runReady(ctx context.Context, run core.RunReady) error {
	soon := map[uuid.UUID]bool{}
	c.noteRun(run, soon)
	for more := true; more; {
		select {
		case next := <-c.ready.C:
			c.noteRun(next, soon)
		default:
			more = false
		}
	}
	queues := make([]uuid.UUID, 0, len(soon))
	for id := range soon {
		queues = append(queues, id)
	}
	return c.tell(ctx, queues)
}

func (c *workerChannel) noteRun(run core.RunReady, soon map[uuid.UUID]bool) {
	if run.Workspace != c.who.Workspace || !c.outlook.Queues[run.WorkQueueID] {
		return
	}
	now := c.core.Clock()
	if run.At.Before(now.Add(ahead)) {
		soon[run.WorkQueueID] = true
	}
	if run.At.After(now) && (c.outlook.NextDue == nil || run.At.Before(c.outlook.NextDue.Time)) {
		c.outlook.NextDue = &run.At
		c.setDue()
	}
}

// runMoved lets the worker ask again when a run of a limited pool gave back its slot.
func (c *workerChannel) runMoved(ctx context.Context, change core.RunStateChanged) error {
	queue := change.WorkQueueID
	if queue == nil || change.Workspace != c.who.Workspace || !c.outlook.Limited || !c.outlook.Queues[*queue] || !change.FreesSlot() {
		return nil
	}
	return c.tell(ctx, []uuid.UUID{*queue})
}

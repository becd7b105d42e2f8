package core

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// CheckPresence takes back the statuses of those that have not been heard of: workers
// without heartbeats, pools without workers, deployments and queues that nobody polls.
func (c *Core) CheckPresence(ctx context.Context, who Caller) error {
	return c.write(ctx, who, func(w *work) error {
		p := &c.Upkeep.Presence
		if _, err := w.RetireWorkers(w.now, p.MissedBeats, p.Beat); err != nil {
			return err
		}
		if err := w.ForgetProcesses(w.now); err != nil {
			return err
		}
		if err := w.retirePools(); err != nil {
			return err
		}
		if err := w.retireDeployments(api.At(w.now.Add(-cmp.Or(p.Deployment, recently)))); err != nil {
			return err
		}
		return w.retireQueues(api.At(w.now.Add(-cmp.Or(p.Queue, recently))))
	})
}

func (w *work) retirePools() error {
	ids, err := w.SilentPools()
	if err != nil {
		return err
	}
	for _, id := range ids {
		p, err := w.WorkPoolByID(id)
		if err != nil {
			return err
		}
		if err := w.setPoolStatus(p, api.WorkPoolStatusNotReady); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) retireDeployments(since api.Time) error {
	ids, err := w.ForgottenDeployments(since)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.retireDeployment(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) retireDeployment(id uuid.UUID) error {
	if _, err := w.SetDeployment(id, store.Set{Column: "status", Value: api.DeploymentStatusNotReady}); err != nil {
		return err
	}
	d, err := w.Deployment(id)
	if err != nil {
		return err
	}
	return w.emitDeployment("not-ready", d, nil)
}

func (w *work) retireQueues(since api.Time) error {
	queues, err := w.ForgottenQueues(since)
	if err != nil {
		return err
	}
	for i := range queues {
		q := &queues[i]
		if err := w.SetWorkQueue(q.ID, store.Set{Column: "status", Value: api.WorkQueueStatusNotReady}); err != nil {
			return err
		}
		p, err := w.WorkPoolByID(*q.WorkPoolID)
		if err != nil {
			return err
		}
		if err := w.emitQueue("not-ready", q, p, nil); err != nil {
			return err
		}
	}
	return nil
}

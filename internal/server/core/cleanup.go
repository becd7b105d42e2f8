package core

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/cleanup"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/store"
)

// askForCleanup asks the workers of a run's pool to tear down what may be left of it,
// after its state said that it is cancelled.
func (w *work) askForCleanup(run *store.FlowRunInTransition, state uuid.UUID) error {
	pool := run.WorkPool
	if run.WorkQueueID == nil || pool == nil || strings.HasSuffix(pool.Type, ":push") || strings.HasSuffix(pool.Type, ":managed") {
		return nil // no worker has made anything
	}
	target, err := json.Marshal(struct {
		FlowRunID         uuid.UUID `json:"flow_run_id"`
		InfrastructurePID *string   `json:"infrastructure_pid"`
	}{run.ID, run.InfrastructurePID})
	if err != nil {
		return err
	}
	key := "prefect:" + cleanup.CancellingTimeout + ":" + run.ID.String() + ":" + state.String()
	w.publish(CleanupAsked{w.Workspace(), pool.ID})
	isNew, err := w.InsertCleanup(&cleanup.Message{
		ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(key)), Created: w.now, WorkPoolID: pool.ID, WorkQueueID: run.WorkQueueID,
		Kind: cleanup.CancellingTimeout, Target: target,
	})
	if err == nil {
		status := "duplicate"
		if isNew {
			status = "accepted"
		}
		w.core.Meter.Count(meter.CleanupOperations, 1, "enqueue", status)
	}
	return err
}

// CleanupAbilities say which requests a worker takes.
type CleanupAbilities struct {
	WorkPoolID uuid.UUID
	Kinds      []string
	Queues     []uuid.UUID // whose requests it gets before others
}

// ReserveCleanup hands a worker a request to tear something down, for a while; nil when
// there is none. Requests that were handed out too often are given up.
func (c *Core) ReserveCleanup(ctx context.Context, who Caller, able *CleanupAbilities) (reserved *cleanup.Message, err error) {
	waits, err := value(ctx, c, who, func(tx *store.Tx) (bool, error) { return tx.HasCleanup(able.WorkPoolID, c.now()) })
	if err != nil || !waits {
		return nil, err
	}
	err = c.write(ctx, who, func(w *work) error {
		for {
			reserved, err = maybe(w.FreeCleanup(able.WorkPoolID, able.Kinds, able.Queues, w.now))
			if err != nil || reserved == nil {
				return err
			}
			expired := reserved.Token != nil // by who did not say what became of it
			if !reserved.IsSpent() {
				w.countCleanup(expired, "redelivered")
				return w.reserve(reserved)
			}
			w.countCleanup(expired, "dead_lettered")
			if err := w.giveUpCleanup(reserved); err != nil {
				return err
			}
		}
	})
	if err == nil && reserved != nil {
		c.Meter.Count(meter.CleanupOperations, 1, "reserve", "accepted")
	}
	return reserved, err
}

// countCleanup counts what follows when a worker's time with a request has expired.
func (w *work) countCleanup(expired bool, result string) {
	if expired {
		w.core.Meter.Count(meter.CleanupExpirations, 1, result)
	}
}

func (w *work) reserve(m *cleanup.Message) error {
	token := rand.Text()
	m.Deliveries, m.Token, m.Until = m.Deliveries+1, &token, api.At(w.now.Add(cleanup.Lease))
	return w.SaveCleanup(m)
}

func (w *work) giveUpCleanup(m *cleanup.Message) error {
	w.core.Meter.Count(meter.CleanupDeadLetters, 1, m.Kind, "max_delivery_attempts_reached")
	w.core.Log.WarnContext(w.ctx, "no worker could tear down what a run left", "request", m.ID, "kind", m.Kind, "target", string(m.Target))
	return w.DeleteCleanup(m.ID)
}

// OperateCleanup does what a worker of a pool wants with a request that it has.
func (c *Core) OperateCleanup(ctx context.Context, who Caller, pool, id uuid.UUID, op cleanup.Operation, token string) (result cleanup.Result, err error) {
	err = c.write(ctx, who, func(w *work) error {
		m, err := maybe(w.LockCleanup(id))
		if err != nil {
			return err
		}
		result = cleanup.Operate(m, pool, op, token, w.now)
		return w.settleCleanup(m, &result)
	})
	if err == nil {
		c.Meter.Count(meter.CleanupOperations, 1, string(op), result.Status)
	}
	return result, err
}

func (w *work) settleCleanup(m *cleanup.Message, result *cleanup.Result) error {
	switch {
	case result.Fate == cleanup.Remove && result.Status == "accepted":
		return w.DeleteCleanup(m.ID)
	case result.Fate == cleanup.Remove:
		return w.giveUpCleanup(m)
	case result.Fate == cleanup.Free:
		m.Token, m.Until = nil, api.Time{}
		w.publish(CleanupAsked{w.Workspace(), m.WorkPoolID})
		return w.SaveCleanup(m)
	case result.Until != nil:
		m.Until = *result.Until
		return w.SaveCleanup(m)
	}
	return nil
}

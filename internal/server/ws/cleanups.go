package ws

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/cleanup"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/meter"
)

// cleanups are the requests to tear something down that a worker takes and has.
type cleanups struct {
	able   core.CleanupAbilities
	atOnce int                  // 0: the worker takes none
	has    map[string]time.Time // when it loses each, by its token
}

func cleanupsOf(h *workerHello, place *core.WorkerPlace) cleanups {
	c := cleanups{atOnce: h.cleanups(), has: map[string]time.Time{}}
	c.able = core.CleanupAbilities{WorkPoolID: place.Pool.ID, Kinds: h.CleanupKinds}
	if len(h.Queues) > 0 {
		for _, q := range place.Queues {
			c.able.Queues = append(c.able.Queues, q.ID)
		}
	}
	return c
}

// cleanupRetry is how often a worker is given what another one lost or did not want, or
// what was asked for on another server.
const cleanupRetry = 15 * time.Second

// retry ticks as long as the worker takes requests.
func (c *cleanups) retry() (tick <-chan time.Time, stop func()) {
	if c.atOnce == 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(cleanupRetry)
	return ticker.C, ticker.Stop
}

// room says whether the worker can take one more, and forgets what it has lost.
func (c *cleanups) room(now time.Time) bool {
	for token, until := range c.has {
		if !until.After(now) {
			delete(c.has, token)
		}
	}
	return len(c.has) < c.atOnce
}

type cleanupMessage struct {
	ID          uuid.UUID      `json:"message_id"`
	Kind        string         `json:"kind"`
	Token       string         `json:"reservation_token"`
	Until       api.Time       `json:"lease_expires_at"`
	Deliveries  int            `json:"delivery_count"`
	WorkQueueID *uuid.UUID     `json:"work_queue_id"`
	Target      jsontext.Value `json:"target"`
	Data        struct{}       `json:"data"`
}

type cleanupRequest struct {
	ID     uuid.UUID `json:"message_id"`
	Token  string    `json:"reservation_token"`
	Reason *string   `json:"reason"`
}

// isComplete says that a request keeps the protocol's rules: only who releases says why.
func (r *cleanupRequest) isComplete(wants cleanup.Operation) bool {
	reasoned := r.Reason != nil && *r.Reason != ""
	return r.ID != uuid.Nil && r.Token != "" && reasoned == (wants == cleanup.Release) && (reasoned || r.Reason == nil)
}

type cleanupResult struct {
	FrameID   uuid.UUID         `json:"request_frame_id"`
	ID        uuid.UUID         `json:"message_id"`
	Operation cleanup.Operation `json:"operation"`
	Status    string            `json:"status"`
	Until     *api.Time         `json:"lease_expires_at"`
	Reason    *string           `json:"reason"`
	Detail    *string           `json:"detail"`
}

// handOutCleanups gives the worker as many requests as there are and it takes at once.
func (c *workerChannel) handOutCleanups(ctx context.Context) error {
	for c.cleanups.room(c.core.Clock()) {
		m, err := c.core.ReserveCleanup(ctx, c.who, &c.cleanups.able)
		if err != nil {
			return c.refusal(ctx, err)
		}
		if m == nil {
			return nil
		}
		c.cleanups.has[*m.Token] = m.Until.Time
		err = c.send(ctx, frameCleanup, cleanupMessage{
			ID: m.ID, Kind: m.Kind, Token: *m.Token, Until: m.Until, Deliveries: m.Deliveries, WorkQueueID: m.WorkQueueID, Target: m.Target,
		})
		if err != nil {
			c.core.Meter.Count(meter.WorkerCleanups, 1, "failed")
			return err
		}
		c.core.Meter.Count(meter.WorkerCleanups, 1, "delivered")
	}
	return nil
}

// operateCleanup does what the worker wants with a request, tells it what became of that
// and gives it the next one.
func (c *workerChannel) operateCleanup(ctx context.Context, s *saying) error {
	result := cleanup.Result{Status: "unauthorized", Reason: "cleanup_delivery_not_accepted"}
	if c.cleanups.atOnce > 0 {
		var err error
		if result, err = c.core.OperateCleanup(ctx, c.who, c.pool.ID, s.request.ID, s.wants, s.request.Token); err != nil {
			c.log.ErrorContext(ctx, "a worker's word on a cleanup could not be stored", "worker", c.hello.WorkerName, "error", err)
			result = cleanup.Result{Status: "error", Reason: "cleanup_queue_operation_failed"}
		}
	}
	if result.Until != nil {
		c.cleanups.has[s.request.Token] = result.Until.Time
	} else if result.Status != "error" {
		delete(c.cleanups.has, s.request.Token)
	}
	answer := cleanupResult{FrameID: s.id, ID: s.request.ID, Operation: s.wants, Status: result.Status, Until: result.Until}
	if result.Reason != "" {
		answer.Reason = &result.Reason
	}
	if err := c.send(ctx, frameCleanupResult, answer); err != nil {
		return err
	}
	return c.handOutCleanups(ctx)
}

package core

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/heartbeat"
	"github.com/usherhq/usher/internal/rules/states"
	"github.com/usherhq/usher/internal/store"
)

// noteHeartbeat notes that a flow run's process lives. One of a run that has ended, or
// that nobody knows, is passed over.
func (w *work) noteHeartbeat(e *api.ReceivedEvent) error {
	run, err := uuid.Parse(strings.TrimPrefix(e.Resource["prefect.resource.id"], "prefect.flow-run."))
	if err != nil {
		return nil //nolint:nilerr // its sender can't mend it
	}
	known, err := maybe(w.Heartbeats(run))
	if err != nil || known == nil || known.StateID == nil || states.IsTerminal(*known.StateType) {
		return err
	}
	next := heartbeat.Next(known.Pulse, *known.StateID, e.Occurred, w.now)
	return w.SavePulse(run, &next, api.At(w.now.Add(w.core.Upkeep.silence().Silence(&next))))
}

// EndSilentRuns ends the runs whose process has sent heartbeats and has gone silent. Only
// time counts in which somebody listened, which is since listening.
func (c *Core) EndSilentRuns(ctx context.Context, who Caller, listening time.Time) error {
	now := c.now()
	return inBatches(ctx, c, who, func(tx *store.Tx) ([]uuid.UUID, error) {
		return tx.SilentRuns(now, now.Sub(listening), overdueBatch)
	}, (*work).judgeSilence)
}

func (w *work) judgeSilence(id uuid.UUID) error {
	run, err := maybe(w.LockFlowRun(id))
	if err != nil || run == nil {
		return err
	}
	known, err := w.Heartbeats(id)
	if err != nil || known.Pulse == nil || known.Due.After(w.now.Time) {
		return err
	}
	terms := w.core.Upkeep.silence()
	silence := terms.Silence(known.Pulse)
	verdict := heartbeat.Judge(&run.Input, silence, w.now.Time)
	if verdict == heartbeat.Wait {
		return w.SavePulse(id, known.Pulse, api.At(w.now.Add(silence)))
	}
	if verdict == heartbeat.End {
		ended := heartbeat.Ended(&run.Input, known.Pulse, terms, newID(), w.now.Time)
		if _, _, err := w.moveFlowRun(run, ended, states.Minimal); err != nil {
			return err
		}
	}
	return w.ForgetPulse(id)
}

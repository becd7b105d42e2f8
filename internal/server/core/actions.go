package core

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/store"
)

const (
	// actionBatch is how many actions are taken at a time.
	actionBatch = 16
	// actionTime is how long whoever took an action may take, until another one may.
	actionTime = time.Minute
	// actionAttempts is how often an action is tried that fails for a reason of ours.
	actionAttempts = 4
)

// QueuedAction is an action that a firing of an automation asks for.
type QueuedAction = store.QueuedAction

// TakeActions takes actions of automations that are due; each must be given to Perform.
// next is when others are due, nil when none waits.
func (c *Core) TakeActions(ctx context.Context, who Caller) (taken []QueuedAction, next *api.Time, err error) {
	next, err = value(ctx, c, who, (*store.Tx).FirstAction)
	if err != nil || next == nil || next.After(c.Clock()) {
		return nil, next, err
	}
	err = c.write(ctx, who, func(w *work) error {
		taken, err = w.TakeActions(w.now, api.At(w.now.Add(actionTime)), actionBatch)
		return err
	})
	return taken, next, err
}

// deed is an action that is being done, and what there is to tell of it.
type deed struct {
	*QueuedAction
	automation.Action

	related []api.RelatedResource
	details map[string]any
	problem string // why it failed, though what it did stays
}

// notDone is why an action can't be done; trying again does not help.
type notDone string

// Error says why.
func (e notDone) Error() string { return string(e) }

// Perform does an action that was taken, and tells what became of it. What fails for a
// reason of ours is tried again later, and given up in the end.
func (c *Core) Perform(ctx context.Context, who Caller, q *QueuedAction) error {
	kind := "AUTOMATION"
	who.By = &api.CreatedBy{ID: &q.Automation.ID, Type: &kind, DisplayValue: &q.Automation.Name}
	err := c.perform(ctx, who, q)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if at := untilThen(err); at != nil {
		return c.write(ctx, who, func(w *work) error { return w.PostponeAction(q.ID, q.Attempts, *at) })
	}
	if q.Attempts < actionAttempts {
		c.Log.Warn("an action of an automation failed and will be tried again", "automation", q.Automation.ID, "invocation", q.ID, "error", err)
		return c.write(ctx, who, func(w *work) error {
			return w.PostponeAction(q.ID, q.Attempts, api.At(w.now.Add(time.Second<<(2*q.Attempts))))
		})
	}
	c.Log.Error("an action of an automation was given up", "automation", q.Automation.ID, "invocation", q.ID, "error", err)
	return c.conclude(ctx, who, newDeed(q), func(*work, *deed) error { return notDone("Given up after repeated failures: " + err.Error()) })
}

func newDeed(q *QueuedAction) *deed {
	d := &deed{QueuedAction: q, details: map[string]any{}}
	d.Action, _ = automation.ReadAction(q.Action) // it was checked before it was stored
	return d
}

func (c *Core) perform(ctx context.Context, who Caller, q *QueuedAction) error {
	d := newDeed(q)
	err := c.permitted(ctx, who, d)
	var effect effect
	if err == nil {
		effect, err = c.prepare(ctx, who, d)
	}
	if err != nil && !isFinal(err) {
		return err
	}
	if err != nil {
		effect = func(*work, *deed) error { return err }
	}
	return c.conclude(ctx, who, d, effect)
}

// conclude carries out an effect and tells of it in one transaction, unless somebody else
// has taken the action in the meantime. An effect that fails is undone.
func (c *Core) conclude(ctx context.Context, who Caller, d *deed, effect effect) error {
	return c.write(ctx, who, func(w *work) error {
		isOurs, err := w.EndAction(d.ID, d.Attempts)
		if err != nil || !isOurs {
			return err
		}
		told, did := len(w.messages), *d
		did.details = maps.Clone(d.details)
		err = w.Try(func() error { return effect(w, &did) })
		if err == nil {
			return w.tell(&did, did.problem)
		}
		if !isFinal(err) {
			return err
		}
		w.messages = w.messages[:told]
		return w.tell(&did, did.reason(err))
	})
}

// isFinal says that an error comes from what was asked for, not from our side.
func isFinal(err error) bool {
	var refused *api.Error
	var problem notDone
	return errors.As(err, &problem) || errors.As(err, &refused) && refused.Code != api.CodeInternal && refused.Code != api.CodeUnavailable
}

// reason words why the action failed, as for a request that was refused.
func (d *deed) reason(err error) string {
	var problem notDone
	if errors.As(err, &problem) {
		return string(problem)
	}
	code := api.CodeOf(err)
	d.details["status_code"] = code.Status()
	if code != api.CodeConflict && code != api.CodeInvalid {
		return "Unexpected status from '" + d.Type + "' action: " + strconv.Itoa(code.Status())
	}
	if code == api.CodeConflict && d.Type == automation.RunDeployment {
		d.details["validation_error"] = err.Error()
	}
	return "Validation error occurred for '" + d.Type + "' - " + err.Error()
}

// tightFollow is how soon an action must come after its event to follow it.
const tightFollow = 5 * time.Minute

// tell emits that an action was triggered, and what became of it: executed, or failed for
// a reason.
func (w *work) tell(d *deed, reason string) error {
	triggered, err := w.actionTriggered(d)
	if err != nil {
		return err
	}
	if err := w.emit(triggered); err != nil {
		return err
	}
	outcome := triggered
	outcome.ID, outcome.Occurred, outcome.Follows = newID(), w.now, &triggered.ID
	outcome.Event = "prefect.automation.action.executed"
	if reason != "" {
		outcome.Event = "prefect.automation.action.failed"
		d.details["reason"] = reason
	}
	if outcome.Payload, err = d.payload(); err != nil {
		return err
	}
	return w.emit(outcome)
}

func (w *work) actionTriggered(d *deed) (api.ReceivedEvent, error) {
	a := d.Automation
	e := w.about("prefect.automation.action.triggered", resource("automation", a.ID, a.Name), d.related...)
	e.Occurred = d.Firing.Triggered
	trigger, err := automation.ReadStored(a.Trigger)
	if err != nil {
		return e, err
	}
	e.Resource["prefect.trigger-type"] = trigger.Type
	if trigger.Posture != "" {
		e.Resource["prefect.posture"] = trigger.Posture
	}
	e.Related = append(e.Related, eventResource(d.TriggeredEvent, "automation-triggered-event"))
	if d.Event != nil {
		e.Related = append(e.Related, eventResource(d.Event.ID, "triggering-event"))
		if d.Firing.Triggered.Sub(d.Event.Occurred.Time).Abs() < tightFollow {
			e.Follows = &d.Event.ID
		}
	}
	plain := &deed{QueuedAction: d.QueuedAction, Action: d.Action, details: map[string]any{}}
	e.Payload, err = plain.payload()
	return e, err
}

func (d *deed) payload() ([]byte, error) {
	d.details["action_index"] = d.Index
	d.details["action_type"] = d.Type
	d.details["invocation"] = d.ID
	return json.Marshal(d.details, json.Deterministic(true))
}

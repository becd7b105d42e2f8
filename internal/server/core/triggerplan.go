package core

import (
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store"
)

// plan is what is to be done about some events: it was made on a snapshot, and holds as
// long as the cursor is still at from.
type plan struct {
	from, to  store.Place
	reactions []reaction
	hold      []*api.ReceivedEvent // that wait for the ones they follow
	release   []uuid.UUID          // that wait no longer

	more               bool
	changesAutomations bool
}

// reaction is an event that matters to a trigger.
type reaction struct {
	trigger *trigger.Trigger
	event   *api.ReceivedEvent
}

func (p *plan) isIdle() bool { return len(p.reactions)+len(p.hold)+len(p.release) == 0 }

// plan reads the next events and what they touch.
func (t *Triggers) plan(tx *store.Tx) (*plan, error) {
	if err := t.catchUp(tx); err != nil {
		return nil, err
	}
	if len(t.watched) == 0 {
		return t.passOver(tx)
	}
	heads, err := tx.EventHeads(t.at, headBatch)
	if err != nil {
		return nil, err
	}
	p := &plan{from: t.stored, to: t.at, more: len(heads) == headBatch}
	if i := slices.IndexFunc(heads, func(h store.EventHead) bool { return isAutomationChange(h.Event) }); i >= 0 {
		heads = heads[:i+1]
		p.changesAutomations, p.more = true, true
	}
	if len(heads) > 0 {
		p.to = heads[len(heads)-1].Place
	}
	if len(heads) == 0 {
		return p, nil
	}
	o := &ordering{triggers: t, plan: p, heads: heads}
	return p, o.arrange(tx)
}

// passOver goes to the next change of an automation, or behind all events: without any
// automation none matters.
func (t *Triggers) passOver(tx *store.Tx) (*plan, error) {
	to, err := tx.FirstEventAfter(t.at, automationChanges)
	found := err == nil
	if errors.Is(err, store.ErrNoRows) {
		to, err = tx.LastEventAfter(t.at)
	}
	return &plan{from: t.stored, to: to, changesAutomations: found, more: found}, err
}

// add notes which triggers an event matters to.
func (p *plan) add(t *Triggers, e *api.ReceivedEvent) {
	if e.Event == "prefect.log.write" {
		return
	}
	for _, interested := range t.index.Covering(e) {
		p.reactions = append(p.reactions, reaction{interested, e})
	}
}

// addLost is add for events whose leaders never came, in the order in which they occurred.
func (p *plan) addLost(t *Triggers, lost []api.ReceivedEvent) {
	slices.SortFunc(lost, func(a, b api.ReceivedEvent) int { return a.Occurred.Compare(b.Occurred.Time) })
	for i := range lost {
		p.add(t, &lost[i])
		p.release = append(p.release, lost[i].ID)
	}
}

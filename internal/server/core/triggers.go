package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/rules/trigger"
	"github.com/usherhq/usher/internal/store"
)

// Triggers evaluates the triggers of a workspace's automations on its events, in the order
// in which these were stored. Any number of them may work on one database: each keeps in
// memory what it has read, and only the one that moves the stored cursor has effects, in
// the same transaction. It is for one goroutine.
type Triggers struct {
	core *Core
	who  Caller

	isLoaded bool
	watched  map[uuid.UUID]*watched // by the id of the automation
	index    *trigger.Index
	timed    []*trigger.Trigger // that time lets fire: proactive ones and those of metrics
	stored   store.Place        // the cursor as last seen
	at       store.Place        // where reading has come to; what lies between has no effect
}

// watched is an automation that is switched on.
type watched struct {
	automation api.Automation
	root       *trigger.Trigger // nil when it can't be read
}

// NewTriggers makes one for a workspace.
func NewTriggers(c *Core, who Caller) *Triggers { return &Triggers{core: c, who: who} }

// IsIdle says that no automation is switched on, so that events need not be looked at
// before one is.
func (t *Triggers) IsIdle() bool { return t.isLoaded && len(t.watched) == 0 }

const (
	// triggersReader names the cursor, and the scope of events that wait for others.
	triggersReader = "triggers"
	// headBatch is how many events are looked at at once.
	headBatch = 1000
)

// errElsewhere says that another server has moved the cursor, or an automation was
// changed, since the plan was made.
var errElsewhere = errors.New("the triggers were evaluated by somebody else")

// Advance evaluates the next events. more says that there may be others.
func (t *Triggers) Advance(ctx context.Context) (more bool, err error) {
	var p *plan
	err = t.core.read(ctx, t.who, func(tx *store.Tx) error {
		p, err = t.plan(tx)
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return true, t.core.write(ctx, t.who, func(w *work) error { return w.StartCursor(triggersReader, w.now) })
	}
	if err == nil && !p.isIdle() {
		err = t.carryOut(ctx, p)
	}
	if errors.Is(err, errElsewhere) {
		t.isLoaded = false
		return true, nil
	}
	if err != nil {
		return false, err
	}
	t.at = p.to
	t.isLoaded = !p.changesAutomations
	return p.more, nil
}

// load reads the automations that are switched on, of those that it knows only what has
// changed.
func (t *Triggers) load(tx *store.Tx) error {
	enabled, err := tx.EnabledAutomations()
	if err != nil {
		return err
	}
	known, unknown := map[uuid.UUID]*watched{}, []uuid.UUID{}
	for id, updated := range enabled {
		if on := t.watched[id]; on != nil && on.automation.Updated.Equal(updated.Time) {
			known[id] = on
			continue
		}
		unknown = append(unknown, id)
	}
	list, err := tx.AutomationsByID(unknown)
	if err != nil {
		return err
	}
	for _, a := range list {
		root, err := compile(&a)
		if err != nil {
			t.core.Log.Warn("an automation can't be read and will not fire", "automation", a.ID, "error", err)
		}
		known[a.ID] = &watched{a, root}
	}
	t.watched, t.isLoaded = known, true
	t.arrange()
	return nil
}

// arrange sorts out the triggers of the automations.
func (t *Triggers) arrange() {
	var leaves []*trigger.Trigger
	t.timed = nil
	for _, on := range t.watched {
		if on.root == nil {
			continue
		}
		for _, leaf := range on.root.Leaves() {
			if leaf.IsProactive() || leaf.IsMeasured() {
				t.timed = append(t.timed, leaf)
			}
			if !leaf.IsMeasured() {
				leaves = append(leaves, leaf)
			}
		}
	}
	t.index = trigger.NewIndex(leaves)
}

func compile(a *api.Automation) (*trigger.Trigger, error) {
	parsed, err := automation.ReadStored(a.Trigger)
	if err != nil {
		return nil, err
	}
	return trigger.Compile(a.ID, parsed)
}

// catchUp makes what is in memory fit the stored cursor.
func (t *Triggers) catchUp(tx *store.Tx) error {
	at, err := tx.Cursor(triggersReader)
	if err != nil || t.isLoaded && at == t.stored {
		return err
	}
	t.stored = at
	if t.at.Compare(at) < 0 {
		t.at = at
	}
	return t.load(tx)
}

// automationChanges are the events that tell of a change to an automation, after which
// the automations must be read again.
var automationChanges = []string{"prefect.automation.created", "prefect.automation.updated", "prefect.automation.deleted"}

func isAutomationChange(event string) bool { return slices.Contains(automationChanges, event) }

const (
	// expiredBuffer is how long buckets whose window is over are kept.
	expiredBuffer = 60 * time.Second
	// lookback is how long an event waits for the one that it follows.
	lookback = 15 * time.Minute
)

// Tidy evaluates the events that have waited in vain for the ones that they follow,
// removes buckets that are over, and stores how far reading has come.
func (t *Triggers) Tidy(ctx context.Context) error {
	if !t.isLoaded {
		return nil // first Advance
	}
	now := t.core.now()
	before := api.At(now.Add(-lookback))
	expired, isExpired := api.At(now.Add(-expiredBuffer)), false
	p := &plan{from: t.stored, to: t.at}
	err := t.core.read(ctx, t.who, func(tx *store.Tx) error {
		lost, err := tx.LostEvents(triggersReader, before)
		if err != nil {
			return err
		}
		p.addLost(t, lost)
		isExpired, err = tx.HasBucketBefore(expired)
		return err
	})
	if err != nil || p.isIdle() && !isExpired && p.from == p.to {
		return err
	}
	err = t.core.write(ctx, t.who, func(w *work) error {
		if err := t.effects(w, p); err != nil {
			return err
		}
		return w.SweepBuckets(expired)
	})
	return t.settled(p, err)
}

func (t *Triggers) carryOut(ctx context.Context, p *plan) error {
	err := t.core.write(ctx, t.who, func(w *work) error { return t.effects(w, p) })
	if err == nil {
		t.stored = p.to
	}
	return err
}

// settled is for a plan after which there is nothing to be done again at once.
func (t *Triggers) settled(p *plan, err error) error {
	switch {
	case err == nil:
		t.stored = p.to
	case errors.Is(err, errElsewhere):
		t.isLoaded = false
		return nil
	}
	return err
}

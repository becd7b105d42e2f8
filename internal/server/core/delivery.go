package core

import (
	"bytes"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/publish"
	"github.com/usherhq/usher/internal/store"
)

// publicationsReader names the cursor of who brings published events to their subscribers.
const publicationsReader = "publications"

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// Publishers lists the workspaces whose events others hear.
func (c *Core) Publishers(ctx context.Context) ([]uuid.UUID, error) {
	return across(ctx, c, (*store.Tx).Publishers)
}

// hearing is who hears which events of a workspace.
type hearing struct {
	store.Hearing
	publication, part publish.Selection
}

func (h *hearing) mayHear(head *store.EventHead) bool {
	return !head.Received.Before(h.Since.Time) && h.publication.MayBe(head.Event) && h.part.MayBe(head.Event)
}

func (h *hearing) hears(e *api.ReceivedEvent) bool {
	return !e.Received.Before(h.Since.Time) && h.publication.Selects(e) && h.part.Selects(e)
}

// delivery is what others hear of the next events of a workspace.
type delivery struct {
	from, to store.Place
	handle   string
	more     bool
	events   map[uuid.UUID][]*api.ReceivedEvent // by who hears them
	order    []uuid.UUID
}

// Deliver brings the next published events of a workspace to those who have subscribed to
// them: into their streams of events, where automations and the catalogue of assets see
// them as any other. Each is brought once, whichever server does it. What came from elsewhere
// is not passed on. more says that there may be others.
func (c *Core) Deliver(ctx context.Context, publisher uuid.UUID) (more bool, err error) {
	var d *delivery
	err = c.Store.ReadAcross(ctx, publisher, func(tx *store.Tx) error {
		d, err = c.nextDelivery(tx)
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return true, c.write(ctx, Caller{Workspace: publisher}, func(w *work) error { return w.StartCursor(publicationsReader, w.now) })
	}
	if err != nil || d.from == d.to {
		return false, err
	}
	var done []*work
	err = c.Store.Write(ctx, publisher, func(tx *store.Tx) error {
		done = nil
		now := c.now()
		if ok, err := tx.MoveCursor(publicationsReader, d.from, d.to, now); err != nil || !ok {
			return errors.Join(err, unless(ok, errElsewhere))
		}
		for _, subscriber := range d.order {
			err := tx.In(subscriber, func(in *store.Tx) error {
				w := &work{ctx: ctx, Tx: in, core: c, who: Caller{Workspace: subscriber}, now: now}
				done = append(done, w)
				return w.receive(d.events[subscriber], publisher, d.handle)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errElsewhere) {
		return true, nil
	}
	if err != nil {
		return false, refused(err)
	}
	for _, w := range done {
		c.committed(w)
	}
	return d.more, nil
}

// unless is an error where something is not so.
func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// nextDelivery reads on until there is something to deliver, or to the end.
func (c *Core) nextDelivery(tx *store.Tx) (*delivery, error) {
	at, err := tx.Cursor(publicationsReader)
	if err != nil {
		return nil, err
	}
	hearings, err := c.hearings(tx)
	if err != nil {
		return nil, err
	}
	space, err := tx.WorkspaceByID(tx.Workspace())
	if err != nil {
		return nil, err
	}
	d := &delivery{from: at, to: at, handle: space.Handle, events: map[uuid.UUID][]*api.ReceivedEvent{}, more: true}
	for d.more && len(d.order) == 0 {
		if err := d.read(tx, hearings); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (c *Core) hearings(tx *store.Tx) ([]hearing, error) {
	list, err := tx.Hearings()
	if err != nil {
		return nil, err
	}
	out := make([]hearing, 0, len(list))
	for i := range list {
		h := hearing{Hearing: list[i]}
		p, s := &h.Publication, &h.Part
		if h.publication, err = publish.Read(p.Events, p.Resource, p.Related); err == nil {
			h.part, err = publish.Read(s.Events, s.Resource, s.Related)
		}
		if err != nil {
			c.Log.Warn("a subscription can't be read and hears nothing", "workspace", h.Workspace, "error", err)
			continue
		}
		out = append(out, h)
	}
	return out, nil
}

// read looks at the next events.
func (d *delivery) read(tx *store.Tx, hearings []hearing) error {
	heads, err := tx.EventHeads(d.to, headBatch)
	if err != nil {
		return err
	}
	d.more = len(heads) == headBatch
	var ids []uuid.UUID
	for i := range heads {
		h := &heads[i]
		for k := range hearings {
			if hearings[k].mayHear(h) {
				ids = append(ids, h.ID)
				break
			}
		}
		d.to = h.Place
		if len(ids) == eventBatch {
			d.more = true
			break
		}
	}
	if len(ids) == 0 {
		return nil
	}
	events, err := tx.EventsByID(ids)
	for _, id := range ids {
		if e := events[id]; e != nil && !publish.IsFromElsewhere(e, tx.Workspace()) {
			d.take(e, hearings)
		}
	}
	return err
}

// take notes who hears an event: everybody once.
func (d *delivery) take(e *api.ReceivedEvent, hearings []hearing) {
	heard := map[uuid.UUID]bool{}
	for i := range hearings {
		h := &hearings[i]
		if heard[h.Workspace] || !h.hears(e) {
			continue
		}
		heard[h.Workspace] = true
		if d.events[h.Workspace] == nil {
			d.order = append(d.order, h.Workspace)
		}
		d.events[h.Workspace] = append(d.events[h.Workspace], e)
	}
}

// receive stores events that another workspace has published.
func (w *work) receive(events []*api.ReceivedEvent, from uuid.UUID, handle string) error {
	copies := make([]*api.ReceivedEvent, len(events))
	for i, e := range events {
		copies[i] = publish.From(e, from, handle)
		copies[i].Received = w.now
	}
	fresh, err := w.InsertEvents(copies)
	if err != nil {
		return err
	}
	for _, e := range fresh {
		w.stored(e)
	}
	return w.catalogue(fresh, &from)
}

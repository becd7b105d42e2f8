package core

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// actor is who asks; on a server without accounts all are one.
func (who Caller) actor() uuid.UUID {
	if who.By == nil || who.By.ID == nil {
		return uuid.Nil
	}
	return *who.By.ID
}

// Pin pins a thing for who asks; one that is pinned stays so.
func (c *Core) Pin(ctx context.Context, who Caller, in *api.UserPinCreate) (pin *api.UserPin, err error) {
	err = c.write(ctx, who, func(w *work) error {
		err := w.InsertPin(&api.UserPin{ID: newID(), Created: &w.now, Updated: &w.now, ActorID: who.actor(), ResourceType: in.ResourceType, ResourceID: in.ResourceID})
		if errors.Is(err, store.ErrForeignKey) {
			return api.NotFound("Resource")
		}
		if err != nil {
			return err
		}
		pin, err = w.PinOf(who.actor(), in.ResourceType, in.ResourceID)
		return err
	})
	return pin, err
}

// Pins lists what who asks has pinned, of some kinds or of all.
func (c *Core) Pins(ctx context.Context, who Caller, kinds []api.PinnableResourceType, limit, offset int) ([]api.UserPin, error) {
	return value(ctx, c, who, func(tx *store.Tx) ([]api.UserPin, error) { return tx.Pins(who.actor(), kinds, limit, offset) })
}

// Unpin takes a pin of who asks away.
func (c *Core) Unpin(ctx context.Context, who Caller, id uuid.UUID) error {
	return missing("Pin", c.write(ctx, who, func(w *work) error { return w.DeletePin(who.actor(), id) }))
}

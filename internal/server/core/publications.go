package core

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/asset"
	"github.com/usherhq/usher/internal/rules/publish"
	"github.com/usherhq/usher/internal/store"
)

// Publication are events of a workspace that others of its account may subscribe to.
type Publication = store.Publication

// Subscription is a publication that a workspace hears, or a part of it.
type Subscription = store.Subscription

// acrossSpaces reads one thing for a workspace that also sees what others publish.
func acrossSpaces[T any](ctx context.Context, c *Core, who Caller, fn func(*store.Tx) (T, error)) (out T, err error) {
	err = c.Store.ReadAcross(ctx, who.Workspace, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, refused(err)
}

// selection reads which events a request means.
func selection(events []string, resource, related api.Opt[[]jsontext.Value]) (s store.Selection, err error) {
	s.Events = append([]string{}, events...)
	if s.Resource, err = listOf(resource); err != nil {
		return s, err
	}
	if s.Related, err = listOf(related); err != nil {
		return s, err
	}
	_, err = publish.Read(s.Events, s.Resource, s.Related)
	return s, err
}

func listOf(list api.Opt[[]jsontext.Value]) (jsontext.Value, error) {
	specs, has := list.Get()
	if !has || specs == nil {
		return nil, nil
	}
	return json.Marshal(specs)
}

// CreatePublication lets the other workspaces of the account subscribe to events.
func (c *Core) CreatePublication(ctx context.Context, who Caller, in *api.PublicationCreate) (*Publication, error) {
	events, err := selection(in.Event, in.Resource, in.Related)
	if err != nil {
		return nil, err
	}
	return c.publishEvents(ctx, who, events)
}

// PublishAssets publishes the events about some assets.
func (c *Core) PublishAssets(ctx context.Context, who Caller, keys []string) (*Publication, error) {
	if len(keys) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "A publication of assets names at least one.")
	}
	resource, err := json.Marshal([]map[string][]string{{"prefect.resource.id": keys}})
	if err != nil {
		return nil, err
	}
	return c.publishEvents(ctx, who, store.Selection{Events: asset.Names, Resource: resource})
}

func (c *Core) publishEvents(ctx context.Context, who Caller, events store.Selection) (*Publication, error) {
	id := newID()
	err := c.write(ctx, who, func(w *work) error {
		// As for automations: events are published from now on.
		if err := w.StartCursor(publicationsReader, w.now); err != nil {
			return err
		}
		return w.InsertPublication(&Publication{ID: id, Created: w.now, Updated: w.now, Enabled: true, Selection: events})
	})
	if err != nil {
		return nil, err
	}
	return c.Publication(ctx, who, id)
}

// Publication returns a publication of the workspace.
func (c *Core) Publication(ctx context.Context, who Caller, id uuid.UUID) (*Publication, error) {
	return found("Publication", func() (*Publication, error) {
		return acrossSpaces(ctx, c, who, func(tx *store.Tx) (*Publication, error) { return tx.Publication(id) })
	})
}

// Publications lists up to limit publications of the workspace behind one; resource, if it
// is not empty, has to be named by them. more says that there are others.
func (c *Core) Publications(ctx context.Context, who Caller, resource string, behind uuid.UUID, limit int) (list []Publication, more bool, err error) {
	return named(ctx, c, who, resource, behind, limit, (*store.Tx).Publications, func(p *Publication) (uuid.UUID, store.Selection) { return p.ID, p.Selection })
}

// named lists up to limit things behind one that name a resource.
func named[T any](ctx context.Context, c *Core, who Caller, resource string, behind uuid.UUID, limit int, read func(*store.Tx, uuid.UUID, int) ([]T, error), of func(*T) (uuid.UUID, store.Selection)) (list []T, more bool, err error) {
	list = []T{}
	err = c.Store.ReadAcross(ctx, who.Workspace, func(tx *store.Tx) error {
		for {
			batch, err := read(tx, behind, limit+1)
			if err != nil {
				return err
			}
			for i := range batch {
				id, s := of(&batch[i])
				behind = id
				if events, err := publish.Read(s.Events, s.Resource, s.Related); resource != "" && (err != nil || !events.Names(resource)) {
					continue
				}
				if len(list) == limit {
					more = true
					return nil
				}
				list = append(list, batch[i])
			}
			if len(batch) <= limit {
				return nil
			}
		}
	})
	return list, more, refused(err)
}

// changed collects what a PATCH changes of which events are meant.
func changed(enabled api.Opt[bool], events api.Opt[[]string], resource, related api.Opt[[]jsontext.Value]) (sets []store.Set, err error) {
	if on, has := enabled.Get(); has {
		sets = append(sets, store.Set{Column: "enabled", Value: on})
	}
	if names, has := events.Get(); has {
		sets = append(sets, store.Set{Column: "events", Value: names})
	}
	for _, part := range []struct {
		column string
		list   api.Opt[[]jsontext.Value]
	}{{"resource", resource}, {"related", related}} {
		if !part.list.IsSet() {
			continue
		}
		list, err := listOf(part.list)
		if err != nil {
			return nil, err
		}
		if _, err := publish.Read(nil, list, nil); err != nil {
			return nil, err
		}
		sets = append(sets, store.Set{Column: part.column, Value: list})
	}
	return sets, nil
}

// UpdatePublication changes a publication.
func (c *Core) UpdatePublication(ctx context.Context, who Caller, id uuid.UUID, in *api.PublicationUpdate) (*Publication, error) {
	sets, err := changed(in.Enabled, in.Event, in.Resource, in.Related)
	if err != nil {
		return nil, err
	}
	err = c.write(ctx, who, func(w *work) error {
		_, err := found("Publication", func() (bool, error) {
			return true, w.Tx.UpdatePublication(id, append(sets, store.Set{Column: "updated", Value: w.now})...)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.Publication(ctx, who, id)
}

// DeletePublication ends a publication. Those who have subscribed to it hear nothing more.
func (c *Core) DeletePublication(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		_, err := found("Publication", func() (bool, error) { return true, w.Tx.DeletePublication(id) })
		return err
	})
}

// Subscribers lists up to limit subscriptions to a publication of the workspace behind one.
func (c *Core) Subscribers(ctx context.Context, who Caller, publication, behind uuid.UUID, limit int) (list []Subscription, more bool, err error) {
	if _, err := c.Publication(ctx, who, publication); err != nil {
		return nil, false, err
	}
	list, err = acrossSpaces(ctx, c, who, func(tx *store.Tx) ([]Subscription, error) {
		return tx.Subscribers(publication, behind, limit+1)
	})
	if len(list) > limit {
		return list[:limit], true, err
	}
	return list, false, err
}

// Subscribe makes the workspace hear a publication of another workspace of its account, or a
// part of it.
func (c *Core) Subscribe(ctx context.Context, who Caller, in *api.SubscriptionCreate) (*Subscription, error) {
	events, err := selection(in.Event, in.Resource, in.Related)
	if err != nil {
		return nil, err
	}
	return c.subscribe(ctx, who, in.PublicationID, events)
}

// SubscribeToAssets makes the workspace hear all of a publication of assets.
func (c *Core) SubscribeToAssets(ctx context.Context, who Caller, publication uuid.UUID) (*Subscription, error) {
	return c.subscribe(ctx, who, publication, store.Selection{Events: asset.Names})
}

func (c *Core) subscribe(ctx context.Context, who Caller, publication uuid.UUID, events store.Selection) (*Subscription, error) {
	publisher, err := c.publisher(ctx, who, publication)
	if err != nil {
		return nil, err
	}
	id := newID()
	err = c.Store.WriteAcross(ctx, who.Workspace, func(tx *store.Tx) error {
		now := c.now()
		err := tx.In(publisher, func(in *store.Tx) error { // where nobody has listened, the past is of no interest
			hearings, err := in.Hearings()
			if err != nil || len(hearings) > 0 {
				return err
			}
			return in.RestartCursor(publicationsReader, now)
		})
		if err != nil {
			return err
		}
		return tx.InsertSubscription(&Subscription{ID: id, Created: now, Updated: now, PublicationID: publication, Publisher: publisher, Enabled: true, Selection: events})
	})
	if err != nil {
		return nil, refused(err)
	}
	return c.Subscription(ctx, who, id)
}

// publisher is the other workspace of the account that a publication is of.
func (c *Core) publisher(ctx context.Context, who Caller, publication uuid.UUID) (uuid.UUID, error) {
	others, err := acrossSpaces(ctx, c, who, (*store.Tx).PublicationsOfOthers)
	if err != nil {
		return uuid.Nil, err
	}
	for i := range others {
		if others[i].ID == publication {
			return others[i].Workspace, nil
		}
	}
	if _, err := c.Publication(ctx, who, publication); err == nil {
		return uuid.Nil, api.Errorf(api.CodeConflict, "This publication is of the workspace itself, which hears its own events anyway.")
	}
	return uuid.Nil, api.NotFound("Publication")
}

// Subscription returns a subscription of the workspace.
func (c *Core) Subscription(ctx context.Context, who Caller, id uuid.UUID) (*Subscription, error) {
	return found("Subscription", func() (*Subscription, error) {
		return acrossSpaces(ctx, c, who, func(tx *store.Tx) (*Subscription, error) { return tx.Subscription(id) })
	})
}

// Subscriptions is Publications for the subscriptions of the workspace.
func (c *Core) Subscriptions(ctx context.Context, who Caller, resource string, behind uuid.UUID, limit int) (list []Subscription, more bool, err error) {
	return named(ctx, c, who, resource, behind, limit, (*store.Tx).Subscriptions, func(s *Subscription) (uuid.UUID, store.Selection) { return s.ID, s.Selection })
}

// UpdateSubscription changes a subscription.
func (c *Core) UpdateSubscription(ctx context.Context, who Caller, id uuid.UUID, in *api.SubscriptionUpdate) (*Subscription, error) {
	sets, err := changed(in.Enabled, in.Event, in.Resource, in.Related)
	if err != nil {
		return nil, err
	}
	err = c.write(ctx, who, func(w *work) error {
		_, err := found("Subscription", func() (bool, error) {
			return true, w.Tx.UpdateSubscription(id, append(sets, store.Set{Column: "updated", Value: w.now})...)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.Subscription(ctx, who, id)
}

// DeleteSubscription ends a subscription.
func (c *Core) DeleteSubscription(ctx context.Context, who Caller, id uuid.UUID) error {
	return c.write(ctx, who, func(w *work) error {
		_, err := found("Subscription", func() (bool, error) { return true, w.Tx.DeleteSubscription(id) })
		return err
	})
}

// AvailableAsset is an asset that another workspace of the account publishes.
type AvailableAsset struct {
	Publication *Publication
	Place       AssetPlace
	Key         string
	Asset       *api.AssetCatalogItem // nil until an event tells of it
}

// AvailableAssets lists up to limit assets that other workspaces of the account publish by
// their keys, behind one of a publication.
func (c *Core) AvailableAssets(ctx context.Context, who Caller, behind AssetPlace, limit int) (list []AvailableAsset, more bool, err error) {
	list = []AvailableAsset{}
	err = c.Store.ReadAcross(ctx, who.Workspace, func(tx *store.Tx) error {
		others, err := tx.PublicationsOfOthers()
		if err != nil {
			return err
		}
		for i := range others {
			p := &others[i]
			events, err := publish.Read(p.Events, p.Resource, p.Related)
			if err != nil || !events.MayBe(asset.Succeeded) && !events.MayBe(asset.Failed) && !events.MayBe(asset.Referenced) {
				continue
			}
			for at, key := range events.IDs() {
				switch {
				case !behind.before(p.ID, at):
				case len(list) == limit:
					more = true
				default:
					list = append(list, AvailableAsset{Publication: p, Place: AssetPlace{p.ID, at}, Key: key})
				}
			}
		}
		return describe(tx, list)
	})
	return list, more, refused(err)
}

// AssetPlace is where an asset stands in the list of those that are available: by the
// publication and by its place in that.
type AssetPlace struct {
	Publication uuid.UUID `json:"publication"`
	At          int       `json:"at"`
}

// before says that a place is before one.
func (p AssetPlace) before(publication uuid.UUID, at int) bool {
	order := compareIDs(p.Publication, publication)
	return order < 0 || order == 0 && p.At < at
}

// describe adds what the catalogues of their workspaces know of assets.
func describe(tx *store.Tx, list []AvailableAsset) error {
	keys := map[uuid.UUID][]string{}
	for i := range list {
		space := list[i].Publication.Workspace
		keys[space] = append(keys[space], list[i].Key)
	}
	for space, of := range keys {
		err := tx.In(space, func(in *store.Tx) error {
			assets, err := in.Assets(&store.AssetQuery{Keys: &of}, -1)
			for i := range list {
				for k := range assets {
					if list[i].Publication.Workspace == space && assets[k].Key == list[i].Key {
						list[i].Asset = &assets[k]
					}
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

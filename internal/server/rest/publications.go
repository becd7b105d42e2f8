package rest

import (
	"encoding/base64"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var publicationRoutes = []route{
	{api.OpCreatePublication, "manage_event_publications", medium, createPublication},
	{api.OpListPublications, "see_event_publications", small, listPublications},
	{api.OpReadPublication, "see_event_publications", small, readPublication},
	{api.OpUpdatePublication, "manage_event_publications", medium, updatePublication},
	{api.OpDeletePublication, "manage_event_publications", small, deletePublication},
	{api.OpListPublicationSubscribers, "see_event_publications", small, listSubscribers},
	{api.OpCreateSubscription, "manage_event_subscriptions", medium, createSubscription},
	{api.OpListSubscriptions, "see_event_subscriptions", small, listSubscriptions},
	{api.OpReadSubscription, "see_event_subscriptions", small, readSubscription},
	{api.OpUpdateSubscription, "manage_event_subscriptions", medium, updateSubscription},
	{api.OpDeleteSubscription, "manage_event_subscriptions", small, deleteSubscription},
	{api.OpCreateAssetPublication, "manage_event_publications", medium, publishAssets},
	{api.OpCreateAssetSubscription, "manage_event_subscriptions", small, subscribeToAssets},
	{api.OpListAvailableAssetsEndpoint, "see_assets", small, availableAssets},
}

// How many publications and subscriptions a page has if nobody says so, and at most.
const (
	publicationPage  = 200
	mostPublications = 500
)

// cursor reads where a page begins into at, and how long it is.
func (r *request) cursor(at any, usual, most int) (limit int, err error) {
	if limit, err = r.queryInt("limit", usual, 1, most); err != nil {
		return 0, err
	}
	text := r.URL.Query().Get("cursor")
	if text == "" {
		return limit, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, at)
	}
	if err != nil {
		return 0, badQuery("cursor", "value_error", "Value error, the cursor is none of this list", text)
	}
	return limit, nil
}

// cursorAt is the cursor of a page that begins behind something.
func cursorAt(at any) (*string, error) {
	raw, err := json.Marshal(at)
	text := base64.RawURLEncoding.EncodeToString(raw)
	return &text, err
}

// pageOf answers with a page of things, as they are told.
func pageOf[T, U any](list []T, more bool, id func(*T) uuid.UUID, tell func(*T) U) (out []U, next *string, err error) {
	out = make([]U, len(list))
	for i := range list {
		out[i] = tell(&list[i])
	}
	if more {
		next, err = cursorAt(id(&list[len(list)-1]))
	}
	return out, next, err
}

func specs(list jsontext.Value) (out api.NullList[jsontext.Value], err error) {
	if len(list) == 0 {
		return nil, nil
	}
	return out, json.Unmarshal(list, &out)
}

func published(p *core.Publication) api.PublicationResponse {
	resource, _ := specs(p.Resource) // it was checked when it was stored
	related, _ := specs(p.Related)
	return api.PublicationResponse{
		ID: p.ID, AccountID: p.Account, WorkspaceID: p.Workspace, Enabled: p.Enabled, Event: p.Events, Resource: resource, Related: related,
		Created: p.Created, Updated: p.Updated, SubscriberCount: p.Subscribers,
	}
}

func subscribed(s *core.Subscription) api.SubscriptionResponse {
	resource, _ := specs(s.Resource) // it was checked when it was stored
	related, _ := specs(s.Related)
	return api.SubscriptionResponse{
		ID: s.ID, AccountID: s.Account, WorkspaceID: s.Workspace, PublicationID: s.PublicationID, Enabled: s.Enabled, Event: s.Events, Resource: resource, Related: related,
		Created: s.Created, Updated: s.Updated, PublicationEnabled: s.PublicationEnabled, PublicationExists: s.PublicationEnabled != nil,
	}
}

// tell answers with a thing as it is told, unless err is set.
func tell[T, U any](status int, v *T, err error, told func(*T) U) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{status, told(v)}, nil
}

func createPublication(c *core.Core, r *request) (answer, error) {
	var in api.PublicationCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	p, err := c.CreatePublication(r.Context(), r.who, &in)
	return tell(http.StatusCreated, p, err, published)
}

func publishAssets(c *core.Core, r *request) (answer, error) {
	var in api.AssetPublicationCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	p, err := c.PublishAssets(r.Context(), r.who, in.ResourceIDs)
	return tell(http.StatusCreated, p, err, published)
}

func listPublications(c *core.Core, r *request) (answer, error) {
	var behind uuid.UUID
	limit, err := r.cursor(&behind, publicationPage, mostPublications)
	if err != nil {
		return answer{}, err
	}
	list, more, err := c.Publications(r.Context(), r.who, r.URL.Query().Get("resource_id"), behind, limit)
	if err != nil {
		return answer{}, err
	}
	out, next, err := pageOf(list, more, func(p *core.Publication) uuid.UUID { return p.ID }, published)
	return give(http.StatusOK, api.PublicationPage{Results: out, NextCursor: next}, err)
}

func readPublication(c *core.Core, r *request) (answer, error) {
	id, err := r.id("publication_id")
	if err != nil {
		return answer{}, err
	}
	p, err := c.Publication(r.Context(), r.who, id)
	return tell(http.StatusOK, p, err, published)
}

func updatePublication(c *core.Core, r *request) (answer, error) {
	id, err := r.id("publication_id")
	if err != nil {
		return answer{}, err
	}
	var in api.PublicationUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	p, err := c.UpdatePublication(r.Context(), r.who, id, &in)
	return tell(http.StatusOK, p, err, published)
}

func deletePublication(c *core.Core, r *request) (answer, error) {
	id, err := r.id("publication_id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeletePublication(r.Context(), r.who, id))
}

func listSubscribers(c *core.Core, r *request) (answer, error) {
	id, err := r.id("publication_id")
	if err != nil {
		return answer{}, err
	}
	var behind uuid.UUID
	limit, err := r.cursor(&behind, publicationPage, mostPublications)
	if err != nil {
		return answer{}, err
	}
	list, more, err := c.Subscribers(r.Context(), r.who, id, behind, limit)
	if err != nil {
		return answer{}, err
	}
	out, next, err := pageOf(list, more, func(s *core.Subscription) uuid.UUID { return s.ID }, func(s *core.Subscription) api.PublicationSubscriber {
		return api.PublicationSubscriber{WorkspaceID: s.Workspace, SubscriptionID: s.ID, Enabled: s.Enabled}
	})
	return give(http.StatusOK, api.PublicationSubscriberPage{Results: out, NextCursor: next}, err)
}

func createSubscription(c *core.Core, r *request) (answer, error) {
	var in api.SubscriptionCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	s, err := c.Subscribe(r.Context(), r.who, &in)
	return tell(http.StatusCreated, s, err, subscribed)
}

func subscribeToAssets(c *core.Core, r *request) (answer, error) {
	var in api.AssetSubscriptionCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	s, err := c.SubscribeToAssets(r.Context(), r.who, in.PublicationID)
	return tell(http.StatusCreated, s, err, subscribed)
}

func listSubscriptions(c *core.Core, r *request) (answer, error) {
	var behind uuid.UUID
	limit, err := r.cursor(&behind, publicationPage, mostPublications)
	if err != nil {
		return answer{}, err
	}
	list, more, err := c.Subscriptions(r.Context(), r.who, r.URL.Query().Get("resource_id"), behind, limit)
	if err != nil {
		return answer{}, err
	}
	out, next, err := pageOf(list, more, func(s *core.Subscription) uuid.UUID { return s.ID }, subscribed)
	return give(http.StatusOK, api.SubscriptionPage{Results: out, NextCursor: next}, err)
}

func readSubscription(c *core.Core, r *request) (answer, error) {
	id, err := r.id("subscription_id")
	if err != nil {
		return answer{}, err
	}
	s, err := c.Subscription(r.Context(), r.who, id)
	return tell(http.StatusOK, s, err, subscribed)
}

func updateSubscription(c *core.Core, r *request) (answer, error) {
	id, err := r.id("subscription_id")
	if err != nil {
		return answer{}, err
	}
	var in api.SubscriptionUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	s, err := c.UpdateSubscription(r.Context(), r.who, id, &in)
	return tell(http.StatusOK, s, err, subscribed)
}

func deleteSubscription(c *core.Core, r *request) (answer, error) {
	id, err := r.id("subscription_id")
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteSubscription(r.Context(), r.who, id))
}

func availableAssets(c *core.Core, r *request) (answer, error) {
	behind := core.AssetPlace{At: -1}
	limit, err := r.cursor(&behind, assetPage, mostAssets)
	if err != nil {
		return answer{}, err
	}
	list, more, err := c.AvailableAssets(r.Context(), r.who, behind, limit)
	if err != nil {
		return answer{}, err
	}
	page := api.AvailableAssetsPage{Results: make([]api.AvailableAsset, len(list))}
	for i := range list {
		a, p := &list[i], list[i].Publication
		page.Results[i] = api.AvailableAsset{Key: a.Key, PublicationID: p.ID, PublishingWorkspaceID: p.Workspace, PublicationEvent: p.Events, PublicationEnabled: p.Enabled, Asset: a.Asset}
	}
	if more {
		page.NextCursor, err = cursorAt(list[len(list)-1].Place)
	}
	return give(http.StatusOK, page, err)
}

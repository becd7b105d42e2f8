package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/testkit"
)

func occurred(name, resource string) map[string]any {
	return map[string]any{"occurred": time.Now().UTC().Format(time.RFC3339Nano), "event": name, "resource": map[string]string{"prefect.resource.id": resource}, "id": uuid.NewString()}
}

// heardEvents are the events of some names in a workspace, oldest first, as name and resource.
func (s space) heardEvents(prefix string) (list []string, related [][]api.RelatedResource) {
	s.t.Helper()
	var page api.EventPage
	s.into(&page, http.StatusOK, "POST /events/filter", `{"limit":50,"filter":{"event":{"prefix":["`+prefix+`"]},"order":"ASC"}}`)
	for _, e := range page.Events {
		list, related = append(list, e.Event+" "+e.Resource["prefect.resource.id"]), append(related, e.Related)
	}
	return list, related
}

func (s space) waitsFor(prefix string, want ...string) {
	s.t.Helper()
	testkit.Eventually(s.t, time.Minute, func() error {
		if got, _ := s.heardEvents(prefix); !slices.Equal(got, want) {
			return fmt.Errorf("heard %v, not %v", got, want)
		}
		return nil
	})
}

// What a workspace publishes reaches those who have subscribed to it, once, though two
// servers bring it; it says where it comes from and fires triggers there. Nothing else is
// heard, nobody else hears it, and it is not passed on.
func TestPublishedEventsReachTheirSubscribers(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		startServerWith(t, w.db, func(o *server.Options) { o.Accounts, o.Keys = true, w.keys })
		main, side := w.owner(w.first.WorkspaceID), w.owner(w.side.ID)
		main.send(occurred("order.paid", "order.0"))
		body := `{"event":["order.*"],"resource":[{"prefect.resource.id":"order.*"}]}`
		publication := pick(t, main.ask(http.StatusCreated, "POST /event-publications/", body), "id")
		var got api.SubscriptionResponse
		side.into(&got, http.StatusCreated, "POST /event-subscriptions/", `{"publication_id":"`+publication+`","event":["order.paid","order.lost"]}`)
		if !got.PublicationExists || got.PublicationEnabled == nil || !*got.PublicationEnabled || got.WorkspaceID != w.side.ID {
			t.Errorf("%+v", got)
		}
		side.ask(http.StatusCreated, "POST /automations/", `{"name":"paid","trigger":{"type":"event","expect":["order.paid"],"posture":"Reactive","threshold":1},"actions":[{"type":"do-nothing"}]}`)
		back := pick(t, side.ask(http.StatusCreated, "POST /event-publications/", `{"event":[]}`), "id") // would go round in circles
		main.ask(http.StatusCreated, "POST /event-subscriptions/", `{"publication_id":"`+back+`","event":[]}`)

		main.send(occurred("order.paid", "order.1"), occurred("order.sent", "order.1"), occurred("order.paid", "other.1"), occurred("salary.paid", "order.1"), occurred("order.lost", "order.2"))
		side.send(occurred("side.only", "side.1"))
		side.waitsFor("order", "order.paid order.1", "order.lost order.2")
		main.waitsFor("side", "side.only side.1")
		_, related := side.heardEvents("order")
		if from := related[0][len(related[0])-1]; from["prefect.resource.id"] != "prefect-cloud.workspace."+w.first.WorkspaceID.String() || from["prefect.resource.role"] != "workspace" {
			t.Errorf("it does not say where it comes from: %v", related)
		}
		testkit.Eventually(t, time.Minute, func() error {
			if fired, _ := side.heardEvents("prefect.automation.triggered"); len(fired) != 1 {
				return fmt.Errorf("%d firings", len(fired))
			}
			return nil
		})
		if got, _ := side.heardEvents("salary"); got != nil {
			t.Errorf("what was not published is heard: %v", got)
		}
		if got, _ := main.heardEvents("order"); len(got) != 5 {
			t.Errorf("the publisher hears its own events again: %v", got)
		}
		rival := space{t, w.in(w.rival.ID, w.den.ID), w.member(w.rival.ID, access.MemberID, w.den.ID, access.WorkspaceOwnerID), w.den.ID}
		rival.ask(http.StatusNotFound, "POST /event-subscriptions/", `{"publication_id":"`+publication+`","event":[]}`)
		rival.ask(http.StatusNotFound, "GET /event-publications/"+publication, "")
		if got, _ := rival.heardEvents("order"); got != nil {
			t.Errorf("another account hears %v", got)
		}

		marker := pick(t, main.ask(http.StatusCreated, "POST /event-publications/", `{"event":["marker"]}`), "id")
		side.ask(http.StatusCreated, "POST /event-subscriptions/", `{"publication_id":"`+marker+`","event":[]}`)
		main.ask(http.StatusOK, "PATCH /event-publications/"+publication, `{"enabled":false}`)
		main.send(occurred("order.paid", "order.3"), occurred("marker", "after"))
		side.waitsFor("marker", "marker after")
		main.ask(http.StatusOK, "PATCH /event-publications/"+publication, `{"enabled":true}`)
		main.send(occurred("order.paid", "order.4"))
		side.waitsFor("order", "order.paid order.1", "order.lost order.2", "order.paid order.4")

		var subscribers api.PublicationSubscriberPage
		main.into(&subscribers, http.StatusOK, "GET /event-publications/"+publication+"/subscriptions", "")
		if len(subscribers.Results) != 1 || subscribers.Results[0].WorkspaceID != w.side.ID {
			t.Errorf("%+v", subscribers)
		}
		main.ask(http.StatusNoContent, "DELETE /event-publications/"+publication, "")
		side.into(&got, http.StatusOK, "GET /event-subscriptions/"+got.ID.String(), "")
		if got.PublicationExists || got.PublicationEnabled != nil {
			t.Errorf("its publication is gone: %+v", got)
		}
		main.ask(http.StatusNotFound, "GET /event-publications/"+publication, "")
	})
}

// Publications and subscriptions are those of their workspace, paged, counted, changed and
// deleted by who may do so.
func TestPublicationsAndSubscriptions(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, side, denied := w.owner(w.first.WorkspaceID), w.owner(w.side.ID), w.denied(w.first.WorkspaceID)
		var ids []string
		for i := range 5 {
			ids = append(ids, pick(t, main.ask(http.StatusCreated, "POST /event-publications/", fmt.Sprintf(`{"event":["e.%d"],"resource":[{"prefect.resource.id":["r.%d","r.x"]}],"related":null}`, i, i%2)), "id"))
		}
		for _, id := range ids[:2] {
			side.ask(http.StatusCreated, "POST /event-subscriptions/", `{"publication_id":"`+id+`","event":[],"resource":[{"prefect.resource.id":"r.0"}]}`)
		}
		pages := func(path string) (found []string) {
			t.Helper()
			for cursor := ""; ; {
				var page api.PublicationPage
				main.into(&page, http.StatusOK, "GET "+path+cursor, "")
				for _, p := range page.Results {
					found = append(found, p.ID.String())
				}
				if page.NextCursor == nil {
					return found
				}
				cursor = "&cursor=" + *page.NextCursor
			}
		}
		if got := pages("/event-publications/?limit=2"); !slices.Equal(got, ids) {
			t.Errorf("%v, not %v", got, ids)
		}
		if got := pages("/event-publications/?limit=1&resource_id=r.1"); !slices.Equal(got, []string{ids[1], ids[3]}) {
			t.Errorf("of a resource: %v", got)
		}
		var p api.PublicationResponse
		main.into(&p, http.StatusOK, "GET /event-publications/"+ids[0], "")
		if p.SubscriberCount != 1 || p.AccountID != w.first.AccountID || p.WorkspaceID != w.first.WorkspaceID || p.Related != nil {
			t.Errorf("%+v", p)
		}
		main.into(&p, http.StatusOK, "PATCH /event-publications/"+ids[0], `{"event":["f"],"resource":null}`)
		if !slices.Equal(p.Event, []string{"f"}) || p.Resource != nil || !p.Enabled {
			t.Errorf("%+v", p)
		}
		var subs api.SubscriptionPage
		side.into(&subs, http.StatusOK, "GET /event-subscriptions/?resource_id=r.0&limit=1", "")
		if len(subs.Results) != 1 || subs.NextCursor == nil {
			t.Fatalf("%+v", subs)
		}
		sub := subs.Results[0].ID.String()
		side.ask(http.StatusOK, "PATCH /event-subscriptions/"+sub, `{"enabled":false}`)
		for do, body := range map[string]string{
			"POST /event-publications/": `{"event":[]}`, "GET /event-publications/": "", "GET /event-publications/" + ids[0]: "", "PATCH /event-publications/" + ids[0]: `{}`,
			"DELETE /event-publications/" + ids[0]: "", "GET /event-publications/" + ids[0] + "/subscriptions": "", "POST /event-subscriptions/": `{"publication_id":"` + ids[0] + `","event":[]}`,
			"GET /event-subscriptions/": "", "GET /event-subscriptions/" + sub: "", "PATCH /event-subscriptions/" + sub: `{}`, "DELETE /event-subscriptions/" + sub: "",
			"POST /asset-publications/": `{"resource_ids":["s3://a"]}`, "POST /asset-subscriptions/": `{"publication_id":"` + ids[0] + `"}`, "GET /available-assets/": "",
		} {
			denied.ask(http.StatusForbidden, do, body)
		}
		for do, body := range map[string]string{
			"GET /event-publications/" + ids[0]: "", "PATCH /event-publications/" + ids[0]: `{"enabled":false}`, "DELETE /event-publications/" + ids[0]: "",
			"GET /event-publications/" + ids[0] + "/subscriptions": "",
		} {
			side.ask(http.StatusNotFound, do, body)
		}
		for do, body := range map[string]string{
			"GET /event-subscriptions/" + sub: "", "PATCH /event-subscriptions/" + sub: `{"enabled":true}`, "DELETE /event-subscriptions/" + sub: "",
			"POST /event-subscriptions/": `{"publication_id":"` + uuid.NewString() + `","event":[]}`,
		} {
			main.ask(http.StatusNotFound, do, body)
		}
		main.ask(http.StatusConflict, "POST /event-subscriptions/", `{"publication_id":"`+ids[0]+`","event":[]}`)
		main.ask(http.StatusUnprocessableEntity, "POST /event-publications/", `{}`)
		main.ask(http.StatusUnprocessableEntity, "POST /event-publications/", `{"event":[],"resource":[{"x":1}]}`)
		main.ask(http.StatusUnprocessableEntity, "GET /event-publications/?cursor=nonsense", "")
		main.ask(http.StatusUnprocessableEntity, "GET /event-publications/?limit=501", "")
		side.ask(http.StatusNoContent, "DELETE /event-subscriptions/"+sub, "")
		side.ask(http.StatusNotFound, "GET /event-subscriptions/"+sub, "")
	})
}

// Assets that a workspace publishes are to be found by the others, and stand in the
// catalogues of those who have subscribed, with where they come from.
func TestPublishedAssets(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, side := w.owner(w.first.WorkspaceID), w.owner(w.side.ID)
		publication := pick(t, main.ask(http.StatusCreated, "POST /asset-publications/", `{"resource_ids":["s3://a","s3://later","s3://c"]}`), "id")
		side.ask(http.StatusCreated, "POST /asset-subscriptions/", `{"publication_id":"`+publication+`"}`)
		now := time.Now().UTC()
		main.send(assetEvent("materialization.succeeded", "s3://a", now, uuid.NewString(), uuid.NewString()), assetEvent("materialization.succeeded", "s3://secret", now, uuid.NewString(), uuid.NewString()),
			assetEvent("referenced", "s3://c", now, uuid.NewString(), uuid.NewString()))
		side.waitsFor("prefect.asset", "prefect.asset.materialization.succeeded s3://a", "prefect.asset.referenced s3://c")
		var list []api.AssetCatalogItem
		side.into(&list, http.StatusOK, "GET /assets/", "")
		if got := keysOf(list); !slices.Equal(got, []string{"s3://a", "s3://c"}) {
			t.Fatalf("%v", got)
		}
		if from := list[0].LatestMaterialization.OriginatingWorkspaceID; from == nil || *from != w.first.WorkspaceID {
			t.Errorf("it comes from %v", from)
		}
		main.into(&list, http.StatusOK, "GET /assets/", "")
		if from := list[0].LatestMaterialization.OriginatingWorkspaceID; from != nil {
			t.Errorf("it comes from %v", from)
		}
		var keys []string
		for cursor := ""; ; {
			var page api.AvailableAssetsPage
			side.into(&page, http.StatusOK, "GET /available-assets/?limit=2"+cursor, "")
			for _, a := range page.Results {
				keys = append(keys, a.Key)
				if (a.Asset == nil) != (a.Key == "s3://later") || a.PublishingWorkspaceID != w.first.WorkspaceID || !a.PublicationEnabled {
					t.Errorf("%+v", a)
				}
			}
			if page.NextCursor == nil {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
		}
		if !slices.Equal(keys, []string{"s3://a", "s3://later", "s3://c"}) {
			t.Errorf("available: %v", keys)
		}
		if text := string(main.ask(http.StatusOK, "GET /available-assets/", "")); text != `{"results":[],"next_cursor":null}` {
			t.Errorf("a workspace finds its own: %s", text)
		}
	})
}

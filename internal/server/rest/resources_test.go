package rest_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
)

func idsOf(list []api.Resource) (ids []string) {
	for _, r := range list {
		ids = append(ids, r["prefect.resource.id"])
	}
	return ids
}

// Resources are what events were about: filtered, paged, as a tree, with what is related to
// them, without those that were hidden.
func TestResourcesOfEvents(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, now := w.owner(w.first.WorkspaceID), time.Now().UTC()
		happened := func(id string, ago time.Duration, labels map[string]string, related ...string) map[string]any {
			resource := map[string]string{"prefect.resource.id": id}
			for k, v := range labels {
				resource[k] = v
			}
			others := []any{}
			for _, r := range related {
				others = append(others, map[string]string{"prefect.resource.id": r, "prefect.resource.role": "shop"})
			}
			return map[string]any{"occurred": now.Add(-ago).Format(time.RFC3339Nano), "event": "order.changed", "resource": resource, "related": others}
		}
		main.send(happened("order.1", time.Minute, map[string]string{"state": "new"}, "shop.berlin"), happened("order.1", time.Second, map[string]string{"state": "paid"}, "shop.berlin"),
			happened("order.2", 2*time.Minute, nil, "shop.paris"), happened("order.3", 30*24*time.Hour, nil), happened("customer.de.7", 3*time.Minute, nil, "order.1"), happened("s3://lake/raw.csv", 4*time.Minute, nil))

		ids := func(body string) (ids []string) {
			t.Helper()
			var page api.ResourcePage
			main.into(&page, http.StatusOK, "POST /resources/filter", body)
			total := page.Total
			for {
				ids = append(ids, idsOf(page.Resources)...)
				if page.NextPage == nil {
					break
				}
				next, err := url.Parse(*page.NextPage)
				if err != nil {
					t.Fatal(err)
				}
				main.into(&page, http.StatusOK, "GET /resources/filter/next?"+next.RawQuery, "")
			}
			if total != len(ids) {
				t.Errorf("%s: %d of %v", body, total, ids)
			}
			return ids
		}
		for body, want := range map[string][]string{
			`{"filter":{"id_prefix":["order."]}}`:                               {"order.1", "order.2"},
			`{"limit":1,"filter":{"id_prefix":["order.","c"]}}`:                 {"order.1", "order.2", "customer.de.7"},
			`{"filter":{"labels":{"state":"paid"}}}`:                            {"order.1"},
			`{"filter":{"labels":{"state":"new"}}}`:                             nil,
			`{"filter":{"id":["order.2"]}}`:                                     {"order.2"},
			`{"filter":{"id_prefix":["order"],"exclude_id":["order.2"]}}`:       {"order.1"},
			`{"filter":{"id_prefix":["order","customer"],"group_level":1}}`:     {"order.1", "customer.de.7"},
			`{"filter":{"id_prefix":["order"],"order":"ASC"}}`:                  {"order.2", "order.1"},
			`{"filter":{"scope":{"workspace":["` + w.side.ID.String() + `"]}}}`: nil,
		} {
			if got := ids(body); !slices.Equal(got, want) {
				t.Errorf("%s: %v, not %v", body, got, want)
			}
		}
		if n := string(main.ask(http.StatusOK, "POST /resources/filter/count", `{"filter":{"id_prefix":["order"]}}`)); n != "2" {
			t.Errorf("%s resources", n)
		}
		related := func(body string) []string {
			t.Helper()
			var page api.RelatedResourcePage
			main.into(&page, http.StatusOK, "POST /resources/related", body)
			if len(page.Resources) == 0 {
				return nil
			}
			return idsOf(page.Resources[0].Resources)
		}
		if got := related(`{"filter":{"id":["order.1"]}}`); !slices.Equal(got, []string{"customer.de.7"}) {
			t.Errorf("downstream: %v", got)
		}
		if got := related(`{"filter":{"id":["order.1"],"direction":"upstream"}}`); !slices.Equal(got, []string{"shop.berlin"}) {
			t.Errorf("upstream: %v", got)
		}
		if got := related(`{"filter":{"id":["order.1"],"direction":"upstream","related_role":["other"]}}`); got != nil {
			t.Errorf("by role: %v", got)
		}
		if n := string(main.ask(http.StatusOK, "POST /resources/related/count", `{"filter":{"id_prefix":["order."],"direction":"upstream"}}`)); n != "2" {
			t.Errorf("%s related", n)
		}
		if got := string(main.ask(http.StatusOK, "POST /resources/hierarchy/filter", `{"depth":1,"filter":{"id_prefix":["customer","s3"]}}`)); got != `[{"path":"customer.de","count":1,"has_children":true},{"path":"s3://lake","count":1,"has_children":true}]` {
			t.Errorf("tree: %s", got)
		}

		main.ask(http.StatusOK, "POST /resources/hidden-resources/add", `{"paths":["order"]}`)
		if got := ids(`{"filter":{"id_prefix":["order.","customer"]}}`); !slices.Equal(got, []string{"customer.de.7"}) {
			t.Errorf("with hidden ones: %v", got)
		}
		if got := string(main.ask(http.StatusOK, "GET /resources/hidden-resources", "")); got != `{"paths":["order"]}` {
			t.Errorf("hidden: %s", got)
		}
		for _, want := range []string{"true", "false"} {
			if got := string(main.ask(http.StatusOK, "POST /resources/hidden-resources/delete", `{"paths":["order"]}`)); got != want {
				t.Errorf("shown again: %s, not %s", got, want)
			}
		}
		main.ask(http.StatusUnprocessableEntity, "POST /resources/filter", `{"filter":{"nonsense":1}}`)
		main.ask(http.StatusForbidden, "GET /resources/related/next?page-token=nonsense", "")
		denied := w.denied(w.first.WorkspaceID)
		denied.ask(http.StatusForbidden, "POST /resources/filter", `{}`)
		denied.ask(http.StatusForbidden, "POST /resources/hidden-resources/add", `{"paths":[]}`)
		denied.ask(http.StatusForbidden, "GET /assets/", "")
	})
}

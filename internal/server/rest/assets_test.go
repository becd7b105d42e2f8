package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// assetEvent is an event about an asset as the SDK sends it.
func assetEvent(name, key string, at time.Time, flowRun, taskRun string, upstream ...string) map[string]any {
	related := []any{}
	for _, u := range upstream {
		related = append(related, map[string]string{"prefect.resource.id": u, "prefect.resource.role": "asset"})
	}
	related = append(related, map[string]string{"prefect.resource.id": "dbt", "prefect.resource.role": "asset-materialized-by"},
		map[string]string{"prefect.resource.id": "prefect.flow-run." + flowRun, "prefect.resource.role": "flow-run", "prefect.resource.name": "brave-otter"},
		map[string]string{"prefect.resource.id": "prefect.task-run." + taskRun, "prefect.resource.role": "task-run"})
	return map[string]any{
		"occurred": at.Format(time.RFC3339Nano), "event": "prefect.asset." + name, "resource": map[string]string{"prefect.resource.id": key}, "related": related,
		"payload": map[string]any{"rows": 3}, "id": uuid.NewString(),
	}
}

func keysOf(list []api.AssetCatalogItem) (keys []string) {
	for _, a := range list {
		keys = append(keys, a.Key)
	}
	return keys
}

// The catalogue says what the newest event of each asset said, in whatever order events
// come and however often they are sent.
func TestTheCatalogueOfAssets(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, run, task := w.owner(w.first.WorkspaceID), uuid.NewString(), uuid.NewString()
		now := time.Now().UTC().Truncate(time.Millisecond)
		raw := assetEvent("materialization.succeeded", "s3://lake/raw.csv", now.Add(-3*time.Minute), run, task)
		raw["resource"] = map[string]string{"prefect.resource.id": "s3://lake/raw.csv", "prefect.resource.name": "raw", "prefect.asset.owners": `["ann"]`, "prefect.asset.url": "https://x/y", "prefect.asset.description": "all"}
		clean := assetEvent("materialization.failed", "s3://lake/clean.csv", now, run, task, "s3://lake/raw.csv", "postgres://db/ref")
		before := assetEvent("materialization.succeeded", "s3://lake/clean.csv", now.Add(-time.Hour), run, task, "s3://old")
		seen := assetEvent("referenced", "s3://lake/raw.csv", now.Add(-time.Minute), run, task)
		main.send(raw)
		main.send(clean, seen)
		main.send(before, raw, map[string]any{"occurred": now, "event": "other", "resource": map[string]string{"prefect.resource.id": "s3://none"}})

		var list []api.AssetCatalogItem
		main.into(&list, http.StatusOK, "GET /assets/", "")
		if got, want := keysOf(list), []string{"postgres://db/ref", "s3://lake/clean.csv", "s3://lake/raw.csv", "s3://old"}; !slices.Equal(got, want) {
			t.Fatalf("%v, not %v", got, want)
		}
		if a := list[1]; *a.LatestMaterialization.Status != "failed" || !a.LastSeen.Equal(now) || !slices.Equal(a.LatestMaterialization.ByTools, []string{"dbt"}) || a.LatestReference.EventID != nil {
			t.Errorf("%+v", a)
		}
		want := api.AssetProperties{Name: "raw", URL: "https://x/y", Description: "all", Owners: []string{"ann"}}
		if a := list[2]; !reflect.DeepEqual(a.Properties, want) || a.LatestReference.EventID.String() != seen["id"] || a.LatestMaterialization.TaskRunID.String() != task || string(a.LatestMaterialization.Metadata) != `{"rows":3}` {
			t.Errorf("%+v", a)
		}
		main.into(&list, http.StatusOK, "GET /assets/?prefix=s3://lake&search=CLEAN", "")
		if got := keysOf(list); !slices.Equal(got, []string{"s3://lake/clean.csv"}) {
			t.Errorf("prefix and search: %v", got)
		}

		var edges []api.AssetDependency
		main.into(&edges, http.StatusOK, "GET /assets/latest-dependencies", "")
		if len(edges) != 2 || edges[0].Upstream != "postgres://db/ref" || edges[0].Downstream != "s3://lake/clean.csv" || edges[1].Status != "failed" {
			t.Errorf("%+v", edges)
		}
		var near api.AssetGraph
		main.into(&near, http.StatusOK, "GET /assets/neighbors?key=s3://lake/raw.csv", "")
		if len(near.Dependencies) != 1 || near.Dependencies[0].DownstreamAssetKey != "s3://lake/clean.csv" {
			t.Errorf("%+v", near)
		}
		key := url.QueryEscape("s3://lake/clean.csv")
		var events []api.MaterializationEvent
		main.into(&events, http.StatusOK, "GET /assets/materializations?key="+key, "")
		if len(events) != 2 || events[0].Status != "failed" || len(events[0].UpstreamAssets) != 2 || events[1].EventID.String() != before["id"] {
			t.Errorf("%+v", events)
		}
		main.into(&events, http.StatusOK, "GET /assets/materializations?sort=asc&until="+url.QueryEscape(now.Add(-time.Minute).Format(time.RFC3339))+"&key="+key, "")
		if len(events) != 1 || events[0].EventID.String() != before["id"] {
			t.Errorf("%+v", events)
		}
		main.into(&events, http.StatusOK, "GET /assets/references?key=s3://lake/raw.csv", "")
		if len(events) != 1 || events[0].EventID.String() != seen["id"] {
			t.Errorf("%+v", events)
		}
		main.into(&events, http.StatusOK, fmt.Sprint("GET /assets/materializations/", clean["id"], "/upstream?key=", key), "")
		if len(events) != 1 || events[0].AssetKey != "s3://lake/raw.csv" {
			t.Errorf("upstream: %+v", events)
		}
		main.ask(http.StatusOK, fmt.Sprint("GET /assets/materializations/", clean["id"], "?key=", key), "")
		main.ask(http.StatusOK, fmt.Sprint("GET /assets/references/", seen["id"], "?key=s3://lake/raw.csv"), "")
		main.ask(http.StatusNotFound, fmt.Sprint("GET /assets/references/", clean["id"], "?key=", key), "")

		main.ask(http.StatusNoContent, "DELETE /assets/key?key="+key, "")
		main.ask(http.StatusNotFound, "GET /assets/key?key="+key, "")
		main.ask(http.StatusNotFound, "DELETE /assets/key?key="+key, "")
		main.into(&edges, http.StatusOK, "GET /assets/latest-dependencies", "")
		if len(edges) != 0 {
			t.Errorf("dependencies of an asset that is gone: %+v", edges)
		}
	})
}

// Pages follow each other without gaps, and say how many there are.
func TestAssetsAreFiltered(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, now := w.owner(w.first.WorkspaceID), time.Now().UTC()
		odd, even := uuid.NewString(), uuid.NewString()
		for i := range 7 {
			run := even
			if i%2 == 1 {
				run = odd
			}
			main.send(assetEvent("materialization.succeeded", fmt.Sprint("s3://a/", i), now.Add(-time.Duration(i)*time.Hour), run, uuid.NewString(), "s3://b"))
		}
		ask := func(body string) (keys []string, total int) {
			t.Helper()
			var page api.AssetGraphPage
			main.into(&page, http.StatusOK, "POST /assets/filter", body)
			for total = page.Total; ; {
				keys = append(keys, keysOf(page.Assets)...)
				if page.NextPage == nil {
					return keys, total
				}
				next, err := url.Parse(*page.NextPage)
				if err != nil {
					t.Fatal(err)
				}
				main.into(&page, http.StatusOK, "GET /assets/filter/next?"+next.RawQuery, "")
				if page.Total != total {
					t.Errorf("%d, then %d assets", total, page.Total)
				}
			}
		}
		since := now.Add(-150 * time.Minute).Format(time.RFC3339)
		for body, want := range map[string][]string{
			`{"limit":3}`: {"s3://a/0", "s3://a/1", "s3://a/2", "s3://a/3", "s3://a/4", "s3://a/5", "s3://a/6", "s3://b"},
			`{"limit":2,"filter":{"key":{"prefix":["s3://a/1","s3://b"]}}}`:                                         {"s3://a/1", "s3://b"},
			`{"filter":{"key":{"any_":["s3://a/4","nothing"]}}}`:                                                    {"s3://a/4"},
			`{"filter":{"key":{"search":["A/5"]}}}`:                                                                 {"s3://a/5"},
			`{"limit":1,"filter":{"occurred":{"since":"` + since + `"}}}`:                                           {"s3://a/0", "s3://a/1", "s3://a/2"},
			`{"filter":{"related":{"id":["prefect.flow-run.` + odd + `"]}}}`:                                        {"s3://a/1", "s3://a/3", "s3://a/5"},
			`{"filter":{"related":{"resources_in_roles":[["prefect.flow-run.` + odd + `","task-run"]]}}}`:           nil,
			`{"filter":{"key":{"any_":["s3://a/3","s3://a/2"]},"related":{"id":["prefect.flow-run.` + odd + `"]}}}`: {"s3://a/3"},
		} {
			if got, total := ask(body); !slices.Equal(got, want) || total != len(want) {
				t.Errorf("%s: %v of %d, not %v", body, got, total, want)
			}
		}
		main.ask(http.StatusForbidden, "GET /assets/filter/next?page-token=nonsense", "")
		main.ask(http.StatusUnprocessableEntity, "GET /assets/filter/next", "")
		main.ask(http.StatusUnprocessableEntity, "GET /assets/key", "")
		main.ask(http.StatusUnprocessableEntity, "GET /assets/materializations?sort=up&key=s3://b", "")
		main.ask(http.StatusUnprocessableEntity, "POST /assets/filter", `{"limit":201}`)
	})
}

// Events about assets are listed by the runs that sent them and by those above these.
func TestAssetsOfRuns(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, now := w.owner(w.first.WorkspaceID), time.Now().UTC()
		flow := pick(t, main.ask(http.StatusCreated, "POST /flows/", `{"name":"f"}`), "id")
		run := func(parent string) string {
			body := `{"flow_id":"` + flow + `"}`
			if parent != "" {
				body = `{"flow_id":"` + flow + `","parent_task_run_id":"` + parent + `"}`
			}
			return pick(t, main.ask(http.StatusCreated, "POST /flow_runs/", body), "id")
		}
		task := func(of string) string {
			return pick(t, main.ask(http.StatusCreated, "POST /task_runs/", `{"flow_run_id":"`+of+`","task_key":"t","dynamic_key":"`+uuid.NewString()+`"}`), "id")
		}
		top := run("")
		stands := task(top)
		sub := run(stands)
		deep := run(task(sub))
		main.send(assetEvent("materialization.succeeded", "s3://top", now, top, task(top)), assetEvent("materialization.succeeded", "s3://sub", now.Add(-time.Second), sub, task(sub)),
			assetEvent("materialization.succeeded", "s3://deep", now.Add(-2*time.Second), deep, task(deep)), assetEvent("referenced", "s3://ref", now, sub, task(sub)))
		for path, want := range map[string][]string{
			"/flow_runs/" + top + "/assets/materializations":            {"s3://top", "s3://sub", "s3://deep"},
			"/flow_runs/" + top + "/assets/materializations?depth=0":    {"s3://top"},
			"/flow_runs/" + top + "/assets/materializations?depth=1":    {"s3://top", "s3://sub"},
			"/flow_runs/" + top + "/assets/references":                  {"s3://ref"},
			"/flow_runs/" + sub + "/assets/materializations?sort=asc":   {"s3://deep", "s3://sub"},
			"/task_runs/" + stands + "/assets/materializations":         {"s3://sub", "s3://deep"},
			"/task_runs/" + stands + "/assets/materializations?depth=0": nil,
			"/task_runs/" + stands + "/assets/references?depth=1":       {"s3://ref"},
		} {
			var got []string
			var events []struct {
				AssetKey string `json:"asset_key"`
			}
			main.into(&events, http.StatusOK, "GET "+path, "")
			for _, e := range events {
				got = append(got, e.AssetKey)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, not %v", path, got, want)
			}
		}
		for _, noun := range []string{"flow_runs", "task_runs"} {
			main.ask(http.StatusNotFound, "GET /"+noun+"/"+uuid.NewString()+"/assets/references", "")
			main.ask(http.StatusUnprocessableEntity, "GET /"+noun+"/"+top+"/assets/references?depth=-1", "")
		}
	})
}

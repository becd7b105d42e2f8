package asset_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/asset"
)

// recorded is what the SDK sends for a task with @materialize(by="dbt") and an asset that
// it depends on.
const recorded = `{
	"occurred": "2026-11-30T15:05:42.111147Z", "event": "prefect.asset.materialization.succeeded",
	"resource": {"prefect.asset.description": "raw data", "prefect.asset.owners": "[\"ann\", \"bob\"]", "prefect.asset.url": "https://x/y", "prefect.resource.id": "s3://lake/raw.csv", "prefect.resource.name": "raw"},
	"related": [
		{"prefect.resource.id": "postgres://db/ref", "prefect.resource.role": "asset"},
		{"prefect.resource.id": "dbt", "prefect.resource.role": "asset-materialized-by"},
		{"prefect.resource.name": "coastal-condor", "prefect.resource.role": "flow-run", "prefect.resource.id": "prefect.flow-run.01a22cfd-8554-7e74-8f48-5930a00da5a7"},
		{"prefect.resource.id": "prefect.task-run.01a22cfd-85c0-7056-ac05-83674dce5852", "prefect.resource.name": "make_raw-dc2", "prefect.resource.role": "task-run"},
		{"prefect.resource.id": "prefect.flow.01a22cfd-854d-74cf-877c-8cc1c3605853", "prefect.resource.name": "f", "prefect.resource.role": "flow"}],
	"payload": {"rows": 3}, "id": "01a22cfd-85df-7172-a0c1-980b6ece4d82", "received": "2026-11-30T15:05:42.381416Z"}`

func TestEventsOfTheSDKAreRead(t *testing.T) {
	t.Parallel()
	var e api.ReceivedEvent
	if err := json.Unmarshal([]byte(recorded), &e); err != nil {
		t.Fatal(err)
	}
	got := asset.Read(&e)
	if got == nil || got.Key != "s3://lake/raw.csv" || *got.Status != "succeeded" || got.Kind != asset.Materialization || !got.Described {
		t.Fatalf("%+v", got)
	}
	want := api.AssetProperties{Name: "raw", URL: "https://x/y", Description: "raw data", Owners: []string{"ann", "bob"}}
	if !reflect.DeepEqual(got.Properties, want) || !reflect.DeepEqual(got.Upstream, []string{"postgres://db/ref"}) || !reflect.DeepEqual(got.Tools, []string{"dbt"}) {
		t.Errorf("%+v", got)
	}
	if got.FlowRunID == nil || got.TaskRunID == nil || got.TaskRunID.String() != "01a22cfd-85c0-7056-ac05-83674dce5852" || string(got.Metadata) != `{"rows": 3}` {
		t.Errorf("%+v", got)
	}
}

func TestOtherEventsTellOfNoAsset(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]api.ReceivedEvent{
		"other name":   {Event: "prefect.flow-run.Completed", Resource: api.Resource{"prefect.resource.id": "s3://a"}},
		"other kind":   {Event: "prefect.asset.archived", Resource: api.Resource{"prefect.resource.id": "s3://a"}},
		"no key":       {Event: asset.Referenced, Resource: api.Resource{}},
		"key too long": {Event: asset.Referenced, Resource: api.Resource{"prefect.resource.id": "s3://" + strings.Repeat("a", 600)}},
	} {
		if got := asset.Read(&e); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	odd := asset.Read(&api.ReceivedEvent{Event: asset.Referenced, Resource: api.Resource{"prefect.resource.id": "s3://a", "prefect.asset.owners": "no list"}, Related: []api.RelatedResource{
		{"prefect.resource.id": "prefect.flow-run.nonsense", "prefect.resource.role": "flow-run"}, {"prefect.resource.id": "s3://a", "prefect.resource.role": "asset"},
	}})
	if odd == nil || odd.FlowRunID != nil || len(odd.Upstream) != 0 || odd.Properties.Owners == nil {
		t.Errorf("%+v", odd)
	}
}

// Every event that is stored is looked at: it must cost nothing where it is about no asset.
func TestOtherEventsCostNothing(t *testing.T) {
	e := &api.ReceivedEvent{Event: "prefect.task-run.Completed", Resource: api.Resource{"prefect.resource.id": "prefect.task-run.1"}}
	if n := testing.AllocsPerRun(100, func() { asset.Read(e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOtherEvents(b *testing.B) {
	e := &api.ReceivedEvent{Event: "prefect.task-run.Completed", Resource: api.Resource{"prefect.resource.id": "prefect.task-run.1"}}
	for b.Loop() {
		asset.Read(e)
	}
}

package rest_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestMetricsOverHTTP(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		const window = `"after":"2026-03-01T00:00:00Z","before":"2026-03-02T00:00:00Z"`
		for do, want := range map[string]int{
			`lateness {` + window + `,"aggregates":[{"function":"MEAN"}],"resolution":60}`:                                                    200,
			`volume/timeseries {` + window + `,"aggregates":[{}],"resolution":1440,"timezone":"Europe/Berlin"}`:                               200,
			`volume/grouped {` + window + `,"aggregates":[{}],"group_by":"flow"}`:                                                             200,
			`sla_violations_by_severity {` + window + `,"aggregates":[{"key":"severity","aggregate":"COUNT"}],"resolution":60}`:               200,
			`duration {` + window + `,"aggregates":[{"key":"severity","aggregate":"COUNT"}],"resolution":60}`:                                 422,
			`speed {` + window + `,"aggregates":[{}],"resolution":60}`:                                                                        422,
			`volume {` + window + `,"aggregates":[],"resolution":60}`:                                                                         422,
			`volume {` + window + `,"aggregates":[{"function":"MODE"}],"resolution":60}`:                                                      422,
			`volume {` + window + `,"aggregates":[{"level":2}],"resolution":60}`:                                                              422,
			`volume {` + window + `,"aggregates":[{}],"resolution":7}`:                                                                        422,
			`volume {` + window + `,"aggregates":[{}]}`:                                                                                       422,
			`volume {` + window + `,"aggregates":[{}],"resolution":60,"timezone":"Atlantis"}`:                                                 422,
			`volume {"after":"2026-03-03T00:00:00Z","before":"2026-03-02T00:00:00Z","aggregates":[{}],"resolution":60}`:                       422,
			`volume {"after":"1926-03-03T00:00:00Z","aggregates":[{}],"resolution":1}`:                                                        422,
			`volume {` + window + `,"aggregates":[{}],"resolution":60,"resource":{"prefect.resource.id":"prefect.flow-run.1"}}`:               422,
			`volume {` + window + `,"aggregates":[{}],"resolution":60,"resource":{"prefect.resource.id":"prefect.flow-run.*"}}`:               200,
			`volume {` + window + `,"aggregates":[{}],"resolution":60,"related":[{"prefect.resource.id":["prefect.tag.x","prefect.tag.y"]}]}`: 200,
			`volume/grouped {` + window + `,"aggregates":[{}],"group_by":"color"}`:                                                            422,
			`volume/grouped {` + window + `,"aggregates":[{}],"group_by":"tag","order_by":[{"aggregate":1}]}`:                                 422,
			`volume/grouped {` + window + `,"aggregates":[{}],"group_by":"tag","order_by":[{"aggregate":0,"direction":"ASC"}]}`:               200,
		} {
			path, body, _ := strings.Cut(do, " ")
			if got, answer := ask(t, url, "POST /ui/metrics/prefect/"+path, body); got != want {
				t.Errorf("%s: %d, want %d: %s", do, got, want, answer)
			}
		}
		if got := must(t, url, "POST /ui/metrics/prefect/volume", `{`+window+`,"aggregates":[{},{"function":"MEAN"}],"resolution":360}`, http.StatusOK, "series.3.0"); got != "2026-03-01T18:00:00Z" {
			t.Errorf("the last bin begins at %s", got)
		}
	})
}

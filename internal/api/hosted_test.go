package api_test

import (
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/api"
)

// TestDecodeJudgesTheHostedContract: what the Go types of the hosted service's requests
// take and its contract refuses is found.
func TestDecodeJudgesTheHostedContract(t *testing.T) {
	t.Parallel()
	const query = `{"after":"2020-01-01T00:00:00Z","aggregates":[{"function":"COUNT"}],"resolution":5}`
	for name, one := range map[string]struct {
		body string
		into any
		want string // in the error, "" for none
	}{
		"a query of a metric":               {query, &api.TimeseriesMetricQueryInput{}, ""},
		"a resolution that nobody offers":   {strings.Replace(query, ":5}", ":7}", 1), &api.TimeseriesMetricQueryInput{}, "body.resolution: Input should be 1, 5, 15, 60, 360 or 1440"},
		"an aggregate that nobody knows":    {strings.Replace(query, "COUNT", "TALLY", 1), &api.TimeseriesMetricQueryInput{}, "Input should be 'COUNT'"},
		"no aggregates":                     {strings.Replace(query, `{"function":"COUNT"}`, "", 1), &api.TimeseriesMetricQueryInput{}, "body.aggregates"},
		"half of the version of deployment": {`{"name":"x","flow_id":"7f3b5b3e-7f3b-4b3e-8f3b-7f3b5b3e7f3b","version_info":{"type":"a"}}`, &api.DeploymentCreate{}, "body.version_info.version: Field required"},
		"an SLA with a member too many":     {`{"name":"x","duration":5,"within":3}`, &api.TimeToCompletionSla{}, "body.within: Extra inputs are not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := api.Decode([]byte(one.body), one.into)
			if one.want == "" && err != nil || one.want != "" && (err == nil || !strings.Contains(err.Error(), one.want)) {
				t.Errorf("got %v, want %q", err, one.want)
			}
		})
	}
}

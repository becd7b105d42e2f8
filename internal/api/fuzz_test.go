package api_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// seeds are bodies from which the fuzzer goes on.
var seeds = []string{
	`{}`, `null`, `[]`, `"5"`, `{"a":NaN}`, `{"name":"a","name":1}`, `{"limit":1e400}`, `{"limit":"5","offset":true}`,
	`{"flow_runs":{"id":{"any_":["x"]},"state":{"type":{"any_":["BAD"]}},"operator":"or_","bogus":{}}}`,
	`{"flow_runs":{"start_time":{"before_":"2021-13-45","after_":1e300}},"sort":1}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `[1,]`,
	`{"name":"x","flow_id":"11111111-2222-4333-8444-555555555555","labels":{"a":null},"task_inputs":{"x":[{"input_type":"constant"}]}}`,
}

// FuzzDecode feeds bodies to the decoder: it never fails in itself, what it refuses has an
// answer that is JSON, and what it takes reads the same when it is written again.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range []any{new(api.ReadFlowRunsRequest), new(api.FlowRunCreate), new(api.TaskRunCreate), new(api.DeploymentCreate), new([]api.LogCreate), new(api.ReadEventsRequest)} {
			err := api.WithBody(api.Decode(body, v), body)
			if err == nil {
				readsAgain(t, v)
				continue
			}
			e, known := err.(*api.Error) //nolint:errorlint // it is not wrapped
			if !known || e.Code == api.CodeInternal || len(e.Detail) > 0 && !e.Detail.IsValid(jsontext.AllowDuplicateNames(true)) || e.Cause != nil {
				t.Errorf("%T from %q: %v", v, body, err)
			}
		}
	})
}

func readsAgain(t *testing.T, v any) {
	t.Helper()
	text, err := json.Marshal(v, jsontext.AllowDuplicateNames(true))
	if err != nil {
		t.Errorf("write %T: %v", v, err)
		return
	}
	switch v.(type) {
	case *api.ReadFlowRunsRequest:
		err = api.Decode(text, new(api.ReadFlowRunsRequest))
	case *api.FlowRunCreate:
		err = api.Decode(text, new(api.FlowRunCreate))
	}
	if err != nil {
		t.Errorf("%s is not read again: %v", text, err)
	}
}

package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
)

func TestDecodeTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	cases := []struct{ body, wantType, wantLoc string }{
		{`{"tags":[]}`, "missing", `["body","name"]`},
		{`{"name":"x","nmae":1}`, "extra_forbidden", `["body","nmae"]`},
		{`{"name":1}`, "string_type", `["body","name"]`},
		{`{"name":"x","tags":"y"}`, "list_type", `["body","tags"]`},
		{`{"name":"x","tags":["a",2]}`, "string_type", `["body","tags",1]`},
		{`{"name":"x","tags":null}`, "list_type", `["body","tags"]`},
		{`{"name":`, "json_invalid", `["body",8]`},
		{`[]`, "model_attributes_type", `["body"]`},
	}
	for _, c := range cases {
		t.Run(c.body, func(t *testing.T) {
			t.Parallel()
			var req api.FlowCreate
			err := api.Decode([]byte(c.body), &req)
			e, ok := err.(*api.Error)
			if !ok || e.Code != api.CodeInvalid {
				t.Fatalf("Decode(%s) = %v, want an invalid error", c.body, err)
			}
			var got struct {
				Detail []api.Violation `json:"exception_detail"`
			}
			if err := json.Unmarshal(e.Detail, &got); err != nil {
				t.Fatal(err)
			}
			loc, _ := json.Marshal(got.Detail[0].Loc)
			if got.Detail[0].Type != c.wantType || string(loc) != c.wantLoc {
				t.Errorf("got %s at %s, want %s at %s (%s)", got.Detail[0].Type, loc, c.wantType, c.wantLoc, got.Detail[0].Msg)
			}
		})
	}
}

func TestDecodeChecksBoundsAndEnums(t *testing.T) {
	t.Parallel()
	var req api.ReadFlowRunsRequest
	for _, body := range []string{`{"offset":-1}`, `{"sort":"SIDEWAYS"}`, `{"flow_runs":{"state":{"type":{"any_":["NOPE"]}}}}`} {
		if err := api.Decode([]byte(body), &req); api.CodeOf(err) != api.CodeInvalid {
			t.Errorf("Decode(%s) = %v, want invalid", body, err)
		}
		req = api.ReadFlowRunsRequest{}
	}
	if err := api.Decode([]byte(`{"offset":3,"unknown":1,"sort":"NAME_ASC"}`), &req); err != nil || req.Offset.Or(0) != 3 {
		t.Errorf("got %v, %v", req.Offset, err)
	}
}

func TestOptKeepsThreeStates(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"description":null}`, `{"description":"x"}`} {
		var req api.WorkPoolUpdate
		if err := json.Unmarshal([]byte(body), &req); err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(body, string(out)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnswersCarryNullAndEmptyLists(t *testing.T) {
	t.Parallel()
	out, err := json.Marshal(api.FlowRunPolicy{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"pause_keys":null,"resuming":null,"retry_type":null}`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
	if out, err = json.Marshal(api.Flow{}); err != nil || !strings.Contains(string(out), `"tags":[]`) {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestScalarsReadAndWriteAsTheReference(t *testing.T) {
	t.Parallel()
	times := map[string]string{
		`"2026-01-02T03:04:05Z"`: `"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.12+01:00"`: `"2026-01-02T02:04:05.120000Z"`,
		`"2026-01-02 03:04:05"`: `"2026-01-02T03:04:05Z"`, `"2026-01-02"`: `"2026-01-02T00:00:00Z"`, `0`: `"1970-01-01T00:00:00Z"`,
		`1767323045.5`: `"2026-01-02T03:04:05.500000Z"`,
	}
	for in, want := range times {
		var at api.Time
		if err := json.Unmarshal([]byte(in), &at); err != nil {
			t.Fatal(err)
		}
		if out, _ := json.Marshal(at); string(out) != want {
			t.Errorf("%s → %s, want %s", in, out, want)
		}
	}
	for _, micro := range []int64{0, 1, 999999, 1_800_000_000_123_456, -1, -62135596800_000_000, 253402300799_999_999, 951782400_000_000, 4107542399_000_010} {
		at := time.UnixMicro(micro)
		want := at.UTC().Format(`"2006-01-02T15:04:05.000000Z"`)
		if micro%1_000_000 == 0 {
			want = at.UTC().Format(`"2006-01-02T15:04:05Z"`)
		}
		if out, _ := json.Marshal(api.Time{Time: at}); string(out) != want {
			t.Errorf("%d µs → %s, want %s", micro, out, want)
		}
	}
	for in, want := range map[api.Float]string{0: "0.0", 3: "3.0", 1.5: "1.5", -2: "-2.0"} {
		if out, _ := json.Marshal(in); string(out) != want {
			t.Errorf("%v → %s, want %s", float64(in), out, want)
		}
	}
}

// TestPoliciesOfTasks holds what the reference answers to policies of task runs: what
// becomes of retry_delay and retry_jitter_factor, or the first thing that is wrong.
func TestPoliciesOfTasks(t *testing.T) {
	t.Parallel()
	many := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]" }
	for policy, want := range map[string]string{
		`{}`:                                 "",
		`{"retry_delay":3}`:                  "3",
		`{"retry_delay":"3"}`:                "3",
		`{"retry_delay":"2.5"}`:              "2.5",
		`{"retry_delay":["1"]}`:              "[1]",
		`{"retry_delay":[1,2.5]}`:            "[1,2.5]",
		`{"retry_delay":[]}`:                 "[]",
		`{"retry_delay":` + many(50) + `}`:   many(50),
		`{"retry_delay":` + many(51) + `}`:   "Value error, Can not configure more than 50 retry delays per task.",
		`{"retry_delay":"x"}`:                "Input should be a valid integer, unable to parse string as an integer",
		`{"retry_delay":{}}`:                 "Input should be a valid integer",
		`{"retry_delay":[null]}`:             "Input should be a valid integer",
		`{"retry_jitter_factor":0}`:          "",
		`{"retry_jitter_factor":0.5}`:        "",
		`{"retry_jitter_factor":-0.5}`:       "Value error, `retry_jitter_factor` must be >= 0.",
		`{"retry_delay_seconds":2}`:          "2",
		`{"retries":1,"retry_delay":[[1]]}`:  "Input should be a valid integer",
		`{"retry_delay":1,"retries":"many"}`: "Input should be a valid integer, unable to parse string as an integer",
	} {
		var req api.TaskRunCreate
		err := api.Decode([]byte(`{"flow_run_id":null,"task_key":"k","dynamic_key":"0","empirical_policy":`+policy+`}`), &req)
		got := string(req.EmpiricalPolicy.Or(api.TaskRunPolicy{}).RetryDelay)
		if e, ok := err.(*api.Error); ok {
			got = e.Violations[0].Msg
		}
		if got != want && got+want != "null" {
			t.Errorf("%s: got %q (%v), want %q", policy, got, err, want)
		}
	}
}

// TestNamesAreJudged holds what the reference says first of names and storages.
func TestNamesAreJudged(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v", 256)
	pool, variable := &api.WorkPoolCreate{}, &api.VariableCreate{}
	for _, c := range []struct {
		body, want string
		into       any
	}{
		{`{"name":""}`, "Value error, name cannot be an empty string", pool},
		{`{"name":"' \""}`, "Value error, name cannot be an empty string", pool},
		{`{"name":"a/b"}`, "String should match pattern '^[^/%&><]+$'", pool},
		{`{"name":" a"}`, "", pool},
		{`{"name":"a","storage_configuration":{"bad":1}}`, "Extra inputs are not permitted", pool},
		{`{"name":"a","storage_configuration":{"bundle_upload_step":{"any":1}}}`, "", pool},
		{`{"name":"` + long + `","value":1}`, "Value should have at most 255 items after validation, not 256", variable},
		{`{"name":"` + strings.ToUpper(long) + `","value":1}`, "Value error, Variable name must only contain lowercase letters, numbers, and dashes or underscores.", variable},
		{`{"name":"` + long[1:] + `","value":1}`, "", variable},
	} {
		err, got := api.Decode([]byte(c.body), c.into), ""
		if e, ok := err.(*api.Error); ok {
			got = e.Violations[0].Msg
		}
		if got != c.want {
			t.Errorf("%.60s: got %q (%v), want %q", c.body, got, err, c.want)
		}
	}
}

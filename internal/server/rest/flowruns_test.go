package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/store/storetest"
)

// onBothDatabases runs a case against a server on SQLite and one on PostgreSQL.
func onBothDatabases(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	storetest.RunURL(t, func(t *testing.T, database string) {
		t.Helper()
		test(t, startServer(t, database))
	})
}

// must asks and returns one value of the answer.
func must(t testing.TB, url, do, body string, status int, path string) string {
	t.Helper()
	got, answer := ask(t, url, do, body)
	if got != status {
		t.Fatalf("%s %s: %d %s", do, body, got, answer)
	}
	if path == "" {
		return ""
	}
	return pick(t, answer, path)
}

// atOnce does the same n times at once and returns the values, counted.
func atOnce(n int, do func() string) map[string]int {
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		counts = map[string]int{}
	)
	for range n {
		group.Go(func() {
			value := do()
			mu.Lock()
			defer mu.Unlock()
			counts[value]++
		})
	}
	group.Wait()
	return counts
}

func TestOfManyClaimsOneWins(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		run := must(t, url, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q,"state":{"type":"SCHEDULED"}}`, flow), http.StatusCreated, "id")
		got := atOnce(16, func() string {
			_, answer := ask(t, url, "POST /flow_runs/"+run+"/set_state", `{"state":{"type":"PENDING"}}`)
			return pick(t, answer, "status")
		})
		if diff := cmp.Diff(map[string]int{"ACCEPT": 1, "ABORT": 15}, got); diff != "" {
			t.Errorf("of 16 claims (-want +got):\n%s", diff)
		}
	})
}

func TestOneKeyMakesOneRun(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		ids := map[string]int{}
		var mu sync.Mutex
		got := atOnce(16, func() string {
			status, answer := ask(t, url, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q,"idempotency_key":"k"}`, flow))
			mu.Lock()
			defer mu.Unlock()
			ids[pick(t, answer, "id")]++
			return fmt.Sprint(status)
		})
		if diff := cmp.Diff(map[string]int{"201": 1, "200": 15}, got); diff != "" || len(ids) != 1 {
			t.Errorf("%d runs, statuses (-want +got):\n%s", len(ids), diff)
		}
	})
}

func TestOneNameMakesOneFlow(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		got := atOnce(16, func() string {
			_, answer := ask(t, url, "POST /flows/", `{"name":"same"}`)
			return pick(t, answer, "id")
		})
		if len(got) != 1 {
			t.Errorf("one name made %d flows", len(got))
		}
	})
}

func TestSlotsOfADeploymentAreGivenBackOnce(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		deployment := must(t, url, "POST /deployments/", fmt.Sprintf(`{"name":"d","flow_id":%q,"concurrency_limit":1}`, flow), http.StatusCreated, "id")
		newRun := func() string {
			return must(t, url, "POST /deployments/"+deployment+"/create_flow_run", "{}", http.StatusCreated, "id")
		}
		move := func(run, to string) string {
			_, answer := ask(t, url, "POST /flow_runs/"+run+"/set_state", fmt.Sprintf(`{"state":{"type":%q}}`, to))
			return pick(t, answer, "status") + " " + pick(t, answer, "state.name")
		}
		taken := func() string {
			return must(t, url, "GET /v2/concurrency_limits/deployment:"+deployment, "", http.StatusOK, "active_slots")
		}
		first, second, third := newRun(), newRun(), newRun()
		var got []string
		got = append(got, move(first, "PENDING"), taken(), move(second, "PENDING"), taken())
		got = append(got, move(first, "RUNNING"), taken(), move(first, "COMPLETED"), taken())
		got = append(got, move(second, "PENDING"), taken(), move(third, "PENDING"), taken())
		must(t, url, "DELETE /flow_runs/"+second, "", http.StatusNoContent, "")
		must(t, url, "DELETE /flow_runs/"+first, "", http.StatusNoContent, "")
		got = append(got, taken())
		want := []string{
			"ACCEPT Pending", "1", "REJECT AwaitingConcurrencySlot", "1",
			"ACCEPT Running", "1", "ACCEPT Completed", "0",
			"ACCEPT Pending", "1", "REJECT AwaitingConcurrencySlot", "1",
			"0",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("states and slots (-want +got):\n%s", diff)
		}
	})
}

func TestTaskRunsWaitForSlotsOfTheirTags(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		must(t, url, "POST /v2/concurrency_limits/", `{"name":"tag:db","limit":1}`, http.StatusCreated, "")
		newRun := func(key string) string {
			return must(t, url, "POST /task_runs/", fmt.Sprintf(`{"task_key":"k","dynamic_key":%q,"tags":["db"]}`, key), http.StatusCreated, "id")
		}
		move := func(run, to string) string {
			_, answer := ask(t, url, "POST /task_runs/"+run+"/set_state", fmt.Sprintf(`{"state":{"type":%q}}`, to))
			return pick(t, answer, "status")
		}
		first, second := newRun("1"), newRun("2")
		got := []string{move(first, "RUNNING"), move(second, "RUNNING"), move(first, "COMPLETED"), move(second, "RUNNING")}
		if diff := cmp.Diff([]string{"ACCEPT", "WAIT", "ACCEPT", "ACCEPT"}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		must(t, url, "DELETE /task_runs/"+second, "", http.StatusNoContent, "")
		if n := must(t, url, "GET /v2/concurrency_limits/tag:db", "", http.StatusOK, "active_slots"); n != "0" {
			t.Errorf("%s slots are taken after all is over", n)
		}
	})
}

// TestHistoryAgreesWithTheRuns counts by hand what the history counts in SQL.
func TestHistoryAgreesWithTheRuns(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		for i := range 6 {
			body := fmt.Sprintf(`{"flow_id":%q,"state":{"type":"SCHEDULED","state_details":{"scheduled_time":"2020-01-01T%02d:30:00Z"}}}`, flow, i)
			run := must(t, url, "POST /flow_runs/", body, http.StatusCreated, "id")
			if i%2 == 0 {
				must(t, url, "POST /flow_runs/"+run+"/set_state", `{"state":{"type":"COMPLETED"},"force":true}`, http.StatusCreated, "")
			}
		}
		_, answer := ask(t, url, "POST /flow_runs/history", `{"history_start":"2020-01-01T00:00:00Z","history_end":"2020-01-01T06:00:00Z","history_interval_seconds":7200}`)
		var steps []struct {
			States []struct {
				Name     string  `json:"state_name"`
				Runs     int     `json:"count_runs"`
				Lateness float64 `json:"sum_estimated_lateness"`
			} `json:"states"`
		}
		if err := json.Unmarshal(answer, &steps); err != nil {
			t.Fatal(err)
		}
		if len(steps) != 3 {
			t.Fatalf("%d steps", len(steps))
		}
		for i, step := range steps {
			// The server may have noticed already that the others are late.
			if len(step.States) != 2 || step.States[0].Name != "Completed" || step.States[1].Name != "Scheduled" && step.States[1].Name != "Late" {
				t.Fatalf("step %d: %+v", i, step)
			}
			for _, s := range step.States {
				if years := s.Lateness / (365 * 24 * 3600); s.Runs != 1 || years < 6 {
					t.Errorf("step %d: %d runs %s, %.1f years late", i, s.Runs, s.Name, years)
				}
			}
		}
	})
}

func TestLogsGoWithTheirRun(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		run := must(t, url, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q}`, flow), http.StatusCreated, "id")
		line := fmt.Sprintf(`{"name":"n","level":20,"message":"m","timestamp":"2020-01-01T00:00:00Z","flow_run_id":%q}`, run)
		batch := "[" + strings.Repeat(line+",", 1200) + line + "]"
		must(t, url, "POST /logs/", batch, http.StatusCreated, "")
		must(t, url, "DELETE /flow_runs/"+run, "", http.StatusNoContent, "")
		_, left := ask(t, url, "POST /logs/filter", fmt.Sprintf(`{"logs":{"flow_run_id":{"any_":[%q]}}}`, run))
		if string(left) != "[]" {
			t.Errorf("logs are left: %.200s", left)
		}
	})
}

func TestRunsGoWithTheirFlow(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		other := must(t, url, "POST /flows/", `{"name":"other"}`, http.StatusCreated, "id")
		for _, of := range []string{flow, flow, other} {
			must(t, url, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q}`, of), http.StatusCreated, "")
		}
		must(t, url, "POST /flows/bulk_delete", `{"flows":{"name":{"any_":["f"]}}}`, http.StatusOK, "deleted.0")
		if _, n := ask(t, url, "POST /flow_runs/count", ""); string(n) != "1" {
			t.Errorf("%s runs are left, not 1", n)
		}
	})
}

// TestRunsWithoutJobVariables holds what the reference shows: none are an empty object,
// but null for a run with an idempotency key.
func TestRunsWithoutJobVariables(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		for rest, want := range map[string]string{
			``:                      "{}",
			`,"job_variables":null`: "{}",
			`,"job_variables":null,"idempotency_key":null`: "{}",
			`,"idempotency_key":"a"`:                       "null",
			`,"job_variables":null,"idempotency_key":"b"`:  "null",
			`,"job_variables":{},"idempotency_key":"c"`:    "{}",
		} {
			status, answer := ask(t, url, "POST /flow_runs/", `{"flow_id":"`+flow+`"`+rest+`}`)
			var got struct {
				JobVariables jsontext.Value `json:"job_variables"`
			}
			if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusCreated || string(got.JobVariables) != want {
				t.Errorf("%s: %d %s (%v), want %s", rest, status, got.JobVariables, err, want)
			}
		}
	})
}

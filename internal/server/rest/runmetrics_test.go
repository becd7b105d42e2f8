package rest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/testkit"
)

// measured is a request to export metrics: some measurements of a metric of a run, one a
// second from the beginning of 2026, as JSON.
func measured(run, name string, values ...float64) string {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	points := make([]string, len(values))
	for i, v := range values {
		points[i] = fmt.Sprintf(`{"timeUnixNano":"%d","asDouble":%g}`, begin+int64(i)*1e9, v)
	}
	return fmt.Sprintf(`{"resourceMetrics":[{"resource":{"attributes":[{"key":"prefect.flow-run.id","value":{"stringValue":%q}}]},"scopeMetrics":[{"metrics":[{"name":%q,"unit":"By","gauge":{"dataPoints":[%s]}}]}]}]}`,
		run, name, strings.Join(points, ","))
}

// export sends a request to export metrics.
func (s space) export(status int, body string, headers ...string) string {
	s.t.Helper()
	t, isTest := s.t.(*testing.T)
	if !isTest {
		s.t.Fatal("export is for tests")
	}
	got, text, _ := call(t, "POST", s.root+"/telemetry/v1/metrics", body, append(append(bearer(s.key), "Content-Type", "application/json"), headers...)...)
	if got != status {
		s.t.Fatalf("%.200s: %d %s, not %d", body, got, text, status)
	}
	return text
}

func TestMetricsOfRunsOverHTTP(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		main, side, nobody := w.owner(w.first.WorkspaceID), w.owner(w.side.ID), w.denied(w.first.WorkspaceID)
		flow := pick(t, main.ask(http.StatusCreated, "POST /flows/", `{"name":"f"}`), "id")
		d := pick(t, main.ask(http.StatusCreated, "POST /deployments/", fmt.Sprintf(`{"name":"d","flow_id":%q}`, flow)), "id")
		start := func() string {
			return pick(t, main.ask(http.StatusCreated, "POST /deployments/"+d+"/create_flow_run", `{}`), "id")
		}
		first, second := start(), start()
		main.export(200, measured(first, "process.memory.usage", 5, 9, 7))
		main.export(200, measured(first, "process.cpu.utilization", 0.5))
		if got := main.export(200, measured(second, "process.memory.usage", 8)); got != "{}" {
			t.Errorf("what is taken whole is answered with %s", got)
		}
		main.export(200, measured(first, "process.memory.usage", 5)) // it comes again
		for do, want := range map[string]string{
			"GET /metrics/flow-runs/" + first + "/names":                                                                      `{"metric_names":["process.cpu.utilization","process.memory.usage"]}`,
			"GET /metrics/flow-runs/" + first + "?metric_names=process.memory.usage&start_time=2026-01-01T00:00:01Z":          `{"metrics":[{"metric_name":"process.memory.usage","unit":"By","points":[{"timestamp":"2026-01-01T00:00:01Z","value":9.0},{"timestamp":"2026-01-01T00:00:02Z","value":7.0}]}]}`,
			"GET /metrics/flow-runs/" + second:                                                                                `{"metrics":[{"metric_name":"process.memory.usage","unit":"By","points":[{"timestamp":"2026-01-01T00:00:00Z","value":8.0}]}]}`,
			"GET /metrics/flow-runs/" + second + "?end_time=2025-01-01T00:00:00Z":                                             `{"metrics":[{"metric_name":"process.memory.usage","unit":"By","points":[]}]}`,
			"GET /metrics/deployments/" + d + "/resource-peaks":                                                               `{"peaks":[{"metric_name":"process.cpu.utilization","unit":"By","max_value":0.5,"flow_run_id":"` + first + `"},{"metric_name":"process.memory.usage","unit":"By","max_value":9.0,"flow_run_id":"` + first + `"}]}`,
			"GET /metrics/deployments/" + d + "/resource-peaks?start_time=2026-01-01T00:00:03Z":                               `{"peaks":[]}`,
			"GET /metrics/deployments/" + d + "/resource-peaks?end_time=2025-12-31T00:00:03Z":                                 `{"peaks":[]}`,
			"GET /metrics/deployments/" + d + "/resource-peaks?start_time=2026-01-01T00:00:02Z&end_time=2027-01-01T00:00:00Z": `{"peaks":[{"metric_name":"process.memory.usage","unit":"By","max_value":9.0,"flow_run_id":"` + first + `"}]}`,
		} {
			if got := string(main.ask(200, do, "")); got != want {
				t.Errorf("%s: %s\nwant %s", do, got, want)
			}
			path, _, _ := strings.Cut(do, "?")
			nobody.ask(http.StatusForbidden, path, "")
			side.ask(http.StatusNotFound, path, "")
			main.ask(http.StatusUnprocessableEntity, strings.Replace(path, "/names", "", 1)+"?start_time=soon", "")
		}
		for what, refused := range map[string]struct {
			from   space
			body   string
			status int
			header []string
		}{
			"by nobody":             {nobody, measured(first, "x", 1), 403, nil},
			"text":                  {main, measured(first, "x", 1), 415, []string{"Content-Type", "text/plain"}},
			"another coding":        {main, measured(first, "x", 1), 415, []string{"Content-Encoding", "br"}},
			"no gzip":               {main, measured(first, "x", 1), 400, []string{"Content-Encoding", "gzip"}},
			"no JSON":               {main, "{", 400, nil},
			"no protobuf":           {main, "{", 400, []string{"Content-Type", "application/x-protobuf"}},
			"a large body":          {main, strings.Repeat(" ", 1<<20) + "{}", 413, nil},
			"a body that swells":    {main, zipped(t, strings.Repeat(" ", 2<<20)+"{}"), 413, []string{"Content-Encoding", "gzip"}},
			"a run that is not":     {main, measured(uuid.NewString(), "x", 1, 2), 200, nil},
			"a run of another":      {side, measured(first, "x", 1), 200, nil},
			"of no run":             {main, measured("x", "x", 1), 200, nil},
			"with a very long name": {main, measured(first, strings.Repeat("x", 201), 1), 200, nil},
		} {
			got := refused.from.export(refused.status, refused.body, refused.header...)
			if refused.status == 200 && !strings.HasPrefix(got, `{"partialSuccess":{"rejectedDataPoints":"`) {
				t.Errorf("%s: %s", what, got)
			}
		}
		for i := range 25 {
			main.export(200, measured(second, fmt.Sprintf("more.%02d", i), 1))
		}
		if got := strings.Count(string(main.ask(200, "GET /metrics/flow-runs/"+second+"/names", "")), "more."); got != 19 {
			t.Errorf("a run has %d more metrics", got)
		}
		main.export(200, zipped(t, measured(first, "zipped", 1)), "Content-Encoding", "gzip")
		sent, err := os.ReadFile("../../rules/otlp/testdata/sdk.pb")
		if err != nil {
			t.Fatal(err)
		}
		ours := bytes.Replace(sent, []byte("01a210f5-5359-7ec6-b862-987a6e7a9a4b"), []byte(second), 1)
		if got := main.export(200, string(ours), "Content-Type", "application/x-protobuf"); got != "\n\x25\x08\x02\x12\x21a flow run has at most 20 metrics" { // two are too many
			t.Errorf("%x", got)
		}
		main.ask(http.StatusNoContent, "DELETE /flow_runs/"+first, "")
		main.ask(http.StatusNotFound, "GET /metrics/flow-runs/"+first+"/names", "")
		if got := string(main.ask(200, "GET /metrics/deployments/"+d+"/resource-peaks", "")); strings.Contains(got, first) {
			t.Errorf("a run that is gone has peaks: %s", got)
		}
	})
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheProgramOfARunTellsItsOwnMetricsOnly(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		worker := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		_, own, token := w.ownRun(worker)
		_, other, _ := w.ownRun(worker)
		program := space{t, w.main(), token, w.first.WorkspaceID}
		program.export(200, measured(own, "x", 1))
		program.export(403, measured(other, "x", 1))
		main := w.owner(w.first.WorkspaceID)
		if got := string(main.ask(200, "GET /metrics/flow-runs/"+own+"/names", "")); got != `{"metric_names":["x"]}` {
			t.Error(got)
		}
		if got := string(main.ask(200, "GET /metrics/flow-runs/"+other+"/names", "")); got != `{"metric_names":[]}` {
			t.Error(got)
		}
	})
}

// A metric that is measured for long keeps few measurements of all its time, and its peak.
func TestMeasurementsAreThinnedOut(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, url string) {
		flow := must(t, url, "POST /flows/", `{"name":"f"}`, http.StatusCreated, "id")
		d := must(t, url, "POST /deployments/", fmt.Sprintf(`{"name":"d","flow_id":%q}`, flow), http.StatusCreated, "id")
		run := must(t, url, "POST /deployments/"+d+"/create_flow_run", `{}`, http.StatusCreated, "id")
		values := make([]float64, 13_000)
		values[9_999] = 42 // is not kept
		must(t, url, "POST /telemetry/v1/metrics", measured(run, "x", values...), http.StatusOK, "")
		var out api.RunMetrics
		_, text := ask(t, url, "GET /metrics/flow-runs/"+run, "")
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
		points := out.Metrics[0].Points
		if len(points) < 2000 || len(points) > 4000 || points[0].At.Second() != 0 || points[len(points)-1].At.Sub(points[0].At.Time) < 12_990*time.Second {
			t.Errorf("%d measurements from %v to %v", len(points), points[0].At, points[len(points)-1].At)
		}
		if got := must(t, url, "GET /metrics/deployments/"+d+"/resource-peaks", "", http.StatusOK, "peaks.0.max_value"); got != "42.0" && got != "42" {
			t.Errorf("the peak is %s", got)
		}
	})
}

const sleeper = `
import time
from prefect import flow

@flow
def sleeper():
    time.sleep(2)
`

// The SDK's program of a run that was made from a deployment or by hand tells what it uses,
// when it takes the server for the hosted service and has OpenTelemetry.
func TestTheSDKTellsWhatItsRunsUse(t *testing.T) {
	t.Parallel()
	hosted(t, func(t *testing.T, w *town) {
		telemetry := testkit.PythonWith(t, "opentelemetry-sdk==1.44.0", "opentelemetry-exporter-otlp-proto-http==1.44.0", "opentelemetry-instrumentation-system-metrics==0.65b0")
		packages, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(telemetry)), "lib", "python*", "site-packages"))
		if err != nil || len(packages) != 1 {
			t.Fatal(packages, err)
		}
		main := w.owner(w.first.WorkspaceID)
		flow := pick(t, main.ask(http.StatusCreated, "POST /flows/", `{"name":"sleeper"}`), "id")
		run := pick(t, main.ask(http.StatusCreated, "POST /flow_runs/", fmt.Sprintf(`{"flow_id":%q,"state":{"type":"PENDING"}}`, flow)), "id")
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sleeper.py"), []byte(sleeper), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), testkit.Reference(t).Python, "-m", "prefect.flow_engine", "sleeper.py:sleeper")
		cmd.Dir = dir
		cmd.Env = testkit.Env(dir, "PREFECT_CLOUD_API_URL="+w.url, "PREFECT_API_URL="+w.main(), "PREFECT_API_KEY="+main.key, "PREFECT__FLOW_RUN_ID="+run,
			"PYTHONPATH="+packages[0], "PREFECT_TELEMETRY_RESOURCE_METRICS_INTERVAL_SECONDS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := string(main.ask(200, "GET /metrics/flow-runs/"+run+"/names", "")); got != `{"metric_names":["process.cpu.utilization","process.memory.usage","process.memory.virtual"]}` {
			t.Error(got)
		}
		var out api.RunMetrics
		main.into(&out, 200, "GET /metrics/flow-runs/"+run+"?metric_names=process.memory.usage", "")
		if p := out.Metrics[0].Points; len(p) < 2 || p[0].Value < 1<<20 {
			t.Errorf("%+v", p)
		}
	})
}

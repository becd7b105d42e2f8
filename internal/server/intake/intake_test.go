package intake_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	diff "github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/intake"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

var who = core.Caller{Workspace: core.DefaultWorkspace}

// quiet keeps the reference from changing what it was filled with.
func quiet(more ...string) []string {
	for _, service := range []string{"SCHEDULER", "LATE_RUNS", "FOREMAN", "CANCELLATION_CLEANUP", "PAUSE_EXPIRATIONS", "REPOSSESSOR"} {
		more = append(more, "PREFECT_SERVER_SERVICES_"+service+"_ENABLED=false")
	}
	return more
}

// filled starts a reference server and puts one of everything into it.
func filled(t *testing.T, env ...string) *testkit.Server {
	t.Helper()
	s := testkit.ReferenceServer(t, quiet(env...)...)
	fill, err := filepath.Abs("testdata/fill.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), testkit.Reference(t).Python, fill)
	cmd.Env = s.Env(t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	settled(t, s)
	return s
}

// settled waits until the reference has written what it writes behind its answers: the
// last event, the last lines and the states of task runs.
func settled(t *testing.T, s *testkit.Server) {
	t.Helper()
	last := ""
	testkit.Eventually(t, time.Minute, func() error {
		events := ask(t, s.APIURL(), "POST", "/events/count-by/event", `{"filter":{}}`)
		tasks := ask(t, s.APIURL(), "POST", "/task_runs/filter", `{"task_runs":{"state":{"type":{"any_":["COMPLETED"]}}}}`)
		logs := ask(t, s.APIURL(), "POST", "/logs/filter", `{}`)
		now := fmt.Sprint(events, len(tasks.([]any)), len(logs.([]any)))
		was := last
		last = now
		if !strings.Contains(now, "mine.happened") || len(tasks.([]any)) < 3 || !strings.Contains(fmt.Sprint(logs), "it broke") || now != was {
			return fmt.Errorf("the reference is still writing: %s", now)
		}
		return nil
	})
}

// ours serves a store as our server would.
func ours(t *testing.T, c *core.Core) string {
	t.Helper()
	s := httptest.NewServer((&rest.API{Core: c, Log: c.Log}).Handler())
	t.Cleanup(s.Close)
	return s.URL + "/api"
}

func newCore(t *testing.T, s *store.Store) *core.Core {
	t.Helper()
	return &core.Core{
		Store: s, Bus: &bus.Bus{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Keys: crypt.NewKeeper("", t.TempDir()),
	}
}

func take(t *testing.T, c *core.Core, url string, o intake.Options) ([]intake.Line, error) {
	t.Helper()
	from, err := intake.Open(t.Context(), url)
	if err != nil {
		return nil, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	return intake.Run(t.Context(), c, who, from, o)
}

func ask(t *testing.T, base, method, path, body string) any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out any
	if err := json.UnmarshalRead(res.Body, &out); err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s, %v, %v", method, path, res.Status, err, out)
	}
	return out
}

// lists are the requests whose answers hold everything that was filled in.
var lists = [][2]string{
	{"/flows/filter", `{}`},
	{"/flow_runs/filter", `{}`},
	{"/task_runs/filter", `{}`},
	{"/deployments/filter", `{}`},
	{"/work_pools/filter", `{}`},
	{"/work_pools/pool/queues/filter", `{}`},
	{"/work_pools/pool/workers/filter", `{}`},
	{"/v2/concurrency_limits/filter", `{}`},
	{"/concurrency_limits/filter", `{}`},
	{"/variables/filter", `{}`},
	{"/block_types/filter", `{}`},
	{"/block_schemas/filter", `{}`},
	{"/block_documents/filter", `{"include_secrets":true}`},
	{"/saved_searches/filter", `{}`},
	{"/automations/filter", `{}`},
	{"/artifacts/filter", `{}`},
	{"/artifacts/latest/filter", `{}`},
	{"/logs/filter", `{}`},
}

// compare asks both servers for everything.
func compare(t *testing.T, reference, usher string) {
	t.Helper()
	same := func(method, path, body string) any {
		t.Helper()
		want, got := ask(t, reference, method, path, body), ask(t, usher, method, path, body)
		if path == "/logs/filter" { // lines never change, and ours have no such time
			drop(want, "updated")
			drop(got, "updated")
		}
		if d := diff.Diff(normal(want), normal(got)); d != "" {
			t.Errorf("%s %s (-reference +ours):\n%s", method, path, d)
		}
		return want
	}
	for _, request := range lists {
		answer := same("POST", request[0], request[1])
		if list, is := answer.([]any); is && len(list) == 0 {
			t.Errorf("%s: the reference has none", request[0])
		}
		switch request[0] {
		case "/flow_runs/filter":
			for _, id := range ids(answer) {
				same("GET", "/flow_run_states/?flow_run_id="+id, "")
				same("POST", "/flow_runs/"+id+"/input/filter", `{"prefix":""}`)
				same("GET", "/flow_runs/"+id+"/graph-v2", "")
			}
		case "/task_runs/filter":
			for _, id := range ids(answer) {
				same("GET", "/task_run_states/?task_run_id="+id, "")
			}
		}
	}
	same("GET", "/admin/storage", "")
	same("POST", "/events/filter", `{"filter":{"occurred":{"since":"2020-01-01T00:00:00Z","until":"2100-01-01T00:00:00Z"},"order":"ASC"},"limit":50}`)
	same("POST", "/events/filter", `{"filter":{"occurred":{"since":"2020-01-01T00:00:00Z","until":"2100-01-01T00:00:00Z"},"related":{"id":["mine.2"]}},"limit":50}`)
}

func ids(list any) (out []string) {
	for _, item := range list.([]any) {
		out = append(out, item.(map[string]any)["id"].(string))
	}
	return out
}

func drop(list any, member string) {
	for _, item := range list.([]any) {
		delete(item.(map[string]any), member)
	}
}

// moving are fields that change while one looks, or that are ours to decide: slots are
// held by leases, which stay with the old server.
var moving = []string{"estimated_run_time", "estimated_start_time_delta", "active_slots", "next_page"}

// normal drops what may differ, and orders lists of objects by their ids.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if slices.Contains(moving, key) {
				delete(v, key)
				continue
			}
			v[key] = normal(member)
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
		slices.SortStableFunc(v, func(a, b any) int { return cmp.Compare(idOf(a), idOf(b)) })
	}
	if text, is := v.(string); is {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil { // one instant has many spellings
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

func idOf(v any) string {
	object, _ := v.(map[string]any)
	id, _ := object["id"].(string)
	checksum, _ := object["block_schema_checksum"].(string) // the reference lists these as they come
	return id + checksum
}

func TestEverythingComesOver(t *testing.T) {
	t.Parallel()
	reference := filled(t)
	path := filepath.Join(reference.Home, ".prefect", "prefect.db")
	t.Run("whole", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T, s *store.Store) {
			c := newCore(t, s)
			report, err := take(t, c, path, intake.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkReport(t, report)
			compare(t, reference.APIURL(), ours(t, c))
		})
	})
	t.Run("interrupted", func(t *testing.T) { testInterrupted(t, path) })
	t.Run("refused", func(t *testing.T) { testRefused(t, path) })
}

func checkReport(t *testing.T, report []intake.Line) {
	t.Helper()
	for _, line := range report {
		if line.Note == "" && line.Source != line.Copied {
			t.Errorf("%+v", line)
		}
	}
}

// testInterrupted ends an intake after each page and goes on.
func testInterrupted(t *testing.T, path string) {
	t.Helper()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	c := newCore(t, s)
	attempts, report := 0, []intake.Line(nil)
	for err := errInterrupted; err != nil; attempts++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		from, failed := intake.Open(ctx, path)
		if failed != nil {
			t.Fatal(failed)
		}
		report, err = intake.Run(ctx, c, who, from, intake.Options{Progress: func(string, int64, int64) { cancel(errInterrupted) }})
		if err != nil && !errors.Is(err, errInterrupted) {
			t.Fatal(err)
		}
		if err := from.Close(); err != nil {
			t.Error(err)
		}
	}
	if attempts < len(report) {
		t.Errorf("%d attempts for %d tables", attempts, len(report))
	}
	checkReport(t, report)
}

var errInterrupted = errors.New("interrupted")

func testRefused(t *testing.T, path string) {
	t.Helper()
	changed := func(statement string) string {
		copied := filepath.Join(t.TempDir(), "copy.db")
		const script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('vacuum into ?', (sys.argv[2],)); d = sqlite3.connect(sys.argv[2]); d.execute(sys.argv[3]); d.commit()"
		if out, err := exec.CommandContext(t.Context(), testkit.Reference(t).Python, "-c", script, path, copied, statement).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return copied
	}
	for name, c := range map[string]struct {
		from, want string
		key        string
		prepare    func(*core.Core) error
	}{
		"an older schema": {from: changed("update alembic_version set version_num = 'aaaaaaaaaaaa'"), want: "prefect server database upgrade"},
		"no Prefect":      {from: changed("drop table alembic_version"), want: "is not the database of a Prefect server"},
		"no file":         {from: filepath.Join(t.TempDir(), "none.db"), want: "no such file"},
		"a wrong key":     {from: path, want: "PREFECT_SERVER_ENCRYPTION_KEY", key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
		"data of its own": {from: path, want: "needs an empty one", prepare: func(c *core.Core) error {
			_, _, err := c.CreateFlow(t.Context(), who, &api.FlowCreate{Name: "mine"})
			return err
		}},
		"another source": {from: changed("vacuum"), want: "holds an import of", prepare: func(c *core.Core) error {
			_, err := take(t, c, path, intake.Options{})
			return err
		}},
	} {
		core := newCore(t, storetest.Open(t, storetest.SQLiteURL(t)))
		if c.prepare != nil {
			if err := c.prepare(core); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := take(t, core, c.from, intake.Options{Key: c.key}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPostgreSQLComesOver(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	reference := filled(t, "PREFECT_SERVER_DATABASE_CONNECTION_URL="+strings.Replace(url, "postgres://", "postgresql+asyncpg://", 1))
	c := newCore(t, storetest.Open(t, storetest.SQLiteURL(t)))
	if _, err := take(t, c, url, intake.Options{}); err != nil {
		t.Fatal(err)
	}
	compare(t, reference.APIURL(), ours(t, c))
}

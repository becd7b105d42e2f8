package core_test

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// house is a control plane without sockets, services and time of its own.
type house struct {
	*core.Core

	t  *testing.T
	mu sync.Mutex
	at time.Time
}

var who = core.Caller{Workspace: core.DefaultWorkspace}

// inHouses runs a test on both databases. The time is Monday, 2 March 2026, 11:59 UTC.
func inHouses(t *testing.T, test func(h *house)) {
	t.Helper()
	t.Parallel()
	storetest.Run(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		h := &house{t: t, at: time.Date(2026, 3, 2, 11, 59, 0, 0, time.UTC)}
		h.Core = &core.Core{
			Store: s, Bus: &bus.Bus{}, Clock: h.clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Keys: crypt.NewKeeper("", t.TempDir()),
		}
		test(h)
	})
}

// clock ticks, since no two things happen at one time.
func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(time.Microsecond)
	return h.at
}

// pass lets time go by.
func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// must returns v unless the call that made it failed.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// read decodes a request.
func read[T any](t *testing.T, text string) *T {
	t.Helper()
	v := new(T)
	if err := api.Decode([]byte(text), v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (h *house) pool(text string) *api.WorkPoolResponse {
	h.t.Helper()
	return must[*api.WorkPoolResponse](h.t)(h.CreateWorkPool(h.t.Context(), who, read[api.WorkPoolCreate](h.t, text)))
}

// deployment makes a deployment of a flow "f"; more are further members of the request.
func (h *house) deployment(name, more string) *api.DeploymentResponse {
	h.t.Helper()
	flow, _, err := h.CreateFlow(h.t.Context(), who, read[api.FlowCreate](h.t, `{"name":"f","labels":{"team":"a"}}`))
	h.ok(err)
	if more != "" {
		more = "," + more
	}
	in := read[api.DeploymentCreate](h.t, `{"name":"`+name+`","flow_id":"`+flow.ID.String()+`"`+more+`}`)
	d, _, err := h.CreateDeployment(h.t.Context(), who, in)
	h.ok(err)
	return d
}

func (h *house) run(d *api.DeploymentResponse, text string) *api.FlowRunResponse {
	h.t.Helper()
	run, _, err := h.RunDeployment(h.t.Context(), who, d.ID, read[api.DeploymentFlowRunCreate](h.t, text))
	h.ok(err)
	return run
}

// set proposes a state and returns what became of it.
func (h *house) set(run uuid.UUID, text string) api.SetStateStatus {
	h.t.Helper()
	result, _, err := h.SetFlowRunState(h.t.Context(), who, run, read[api.SetFlowRunStateRequest](h.t, `{"state":`+text+`}`))
	h.ok(err)
	return result.Status
}

// runsOf are the runs of a deployment in the order of their times.
func (h *house) runsOf(d *api.DeploymentResponse) []api.FlowRunResponse {
	h.t.Helper()
	f := core.Filters{Deployments: &api.DeploymentFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{d.ID}}}}
	return must[[]api.FlowRunResponse](h.t)(h.FlowRuns(h.t.Context(), who, f, api.FlowRunSortExpectedStartTimeAsc, 1000, 0))
}

func (h *house) read(run uuid.UUID) *api.FlowRunResponse {
	h.t.Helper()
	return must[*api.FlowRunResponse](h.t)(h.FlowRun(h.t.Context(), who, run))
}

// events are the names of the events whose name begins so, in the order of their storing.
func (h *house) events(prefix string) []string {
	h.t.Helper()
	var names []string
	h.ok(h.Store.Read(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		return tx.Query("select event from event where workspace_id = ? order by seq", []any{tx.Workspace()}, func(row *store.Row) error {
			var name string
			if err := row.Scan(&name); err != nil {
				return err
			}
			if len(name) >= len(prefix) && name[:len(prefix)] == prefix {
				names = append(names, name[len(prefix):])
			}
			return nil
		})
	}))
	return names
}

// due are the names of the runs that a worker of pool p may start, in the order it gets
// them.
func (h *house) due(text string) []string {
	h.t.Helper()
	in := read[api.GetScheduledFlowRunsRequest](h.t, text)
	runs := must[[]api.WorkerFlowRunResponse](h.t)(h.DueRuns(h.t.Context(), who, "p", in, in.Limit.Or(200)))
	names := make([]string, 0, len(runs))
	for _, r := range runs {
		names = append(names, r.FlowRun.Name)
	}
	return names
}

func (h *house) equal(what string, got, want []string) {
	h.t.Helper()
	if !slices.Equal(got, want) {
		h.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func member(t *testing.T, object jsontext.Value, name string) any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(object, &members); err != nil {
		t.Fatal(err)
	}
	return members[name]
}

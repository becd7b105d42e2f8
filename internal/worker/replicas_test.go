//go:build linux

package worker_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/testkit"
)

// TestReplicasAndTheirDatabaseMayFail kills one of two servers, and then their database,
// while two workers are at it: every run that was acknowledged is executed, none twice,
// and schedules make one run for each instant.
func TestReplicasAndTheirDatabaseMayFail(t *testing.T) {
	t.Parallel()
	database := testkit.OwnPostgres(t)
	servers := []*testkit.Server{
		testkit.UsherServer(t, "--database-url", database.URL()),
		testkit.UsherServer(t, "--database-url", database.URL()),
	}
	s := newScene(t, &testkit.Server{URL: testkit.Balance(t, servers...).URL, Home: t.TempDir()})
	for _, name := range []string{"one", "two"} {
		s.worker(name)
	}
	ledger := filepath.Join(t.TempDir(), "ledger")
	script := `echo $USHER_FLOW_RUN_ID >> ` + ledger + `; sleep 1`
	deployment := s.program(script)
	scheduled := s.deploy(&api.DeploymentCreate{
		Name: "scheduled", FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("./program"),
		JobVariables: api.Some(value(t, map[string]any{"command": "usher exec -- sh -c '" + script + "'"})),
		Schedules:    api.Some([]api.DeploymentScheduleCreate{{Schedule: value(t, map[string]any{"interval": 1})}}),
	})
	var runs []uuid.UUID
	load := func(n int, during func()) {
		done := make(chan struct{})
		go func() { defer close(done); during() }()
		for range n {
			runs = append(runs, s.run(deployment, nil))
		}
		<-done
		runs = append(runs, s.run(deployment, nil))
	}
	load(8, servers[0].Kill)
	load(8, func() { database.Stop(t); database.Start(t) })
	servers[0].Restart(t)
	load(4, servers[1].Kill)
	for _, run := range runs {
		s.ends(run, api.StateTypeCompleted)
	}
	s.onTime(scheduled)
	s.each(ledger, runs)
}

// onTime checks that a deployment has one run for each second.
func (s *scene) onTime(deployment uuid.UUID) {
	s.t.Helper()
	var list []api.FlowRunResponse
	testkit.Eventually(s.t, patience, func() (err error) {
		list, err = s.client.ReadFlowRuns(s.t.Context(), &api.ReadFlowRunsRequest{
			Deployments: &api.DeploymentFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{deployment}}},
			Sort:        api.Some(api.FlowRunSortExpectedStartTimeAsc),
		})
		return err
	})
	if len(list) < 100 {
		s.t.Fatalf("the schedule made %d runs", len(list))
	}
	for i := range list[1:] {
		if gap := list[i+1].ExpectedStartTime.Sub(list[i].ExpectedStartTime.Time); gap != time.Second {
			s.t.Errorf("from one scheduled run to the next it is %s", gap)
		}
	}
}

// each checks that the programs of runs wrote one line, and no run more than one.
func (s *scene) each(ledger string, runs []uuid.UUID) {
	s.t.Helper()
	text, err := os.ReadFile(ledger)
	if err != nil {
		s.t.Fatal(err)
	}
	wrote := map[string]int{}
	for line := range strings.Lines(string(text)) {
		wrote[strings.TrimSpace(line)]++
	}
	for id, n := range wrote {
		if n != 1 {
			s.t.Errorf("run %s was executed %d times", id, n)
		}
	}
	for _, run := range runs {
		if wrote[run.String()] == 0 {
			s.t.Errorf("run %s was not executed", run)
		}
	}
}

// TestAServerOutlivesItsDatabase checks what clients see while the database is away.
func TestAServerOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	database := testkit.OwnPostgres(t)
	server := testkit.UsherServer(t, "--database-url", database.URL())
	c, err := client.New(client.Options{BaseURL: server.APIURL(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	database.Stop(t)
	for _, path := range []string{"/flows/" + flow.ID.String(), "/ready"} {
		status, wait := ask(t, server.APIURL()+path)
		if status != 503 || path != "/ready" && wait == "" {
			t.Errorf("%s answers %d, Retry-After %q", path, status, wait)
		}
	}
	database.Start(t)
	testkit.Eventually(t, patience, func() error {
		if status, _ := ask(t, server.APIURL()+"/flows/"+flow.ID.String()); status != 200 {
			return fmt.Errorf("the flow answers %d", status)
		}
		return nil
	})
	select {
	case <-server.Done():
		t.Error("the server ended with its database")
	default:
	}
}

func ask(t *testing.T, url string) (status int, wait string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header.Get("Retry-After")
}

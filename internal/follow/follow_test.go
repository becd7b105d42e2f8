package follow_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/follow"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/testkit"
)

// scene is a flow run on a real server and what its watcher was told.
type scene struct {
	t      *testing.T
	client *client.Client
	run    api.FlowRunResponse
	told   chan string
	end    chan error
}

func watched(t *testing.T, server *testkit.Server) *scene {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: server.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "etl"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.CreateFlowRun(t.Context(), &api.FlowRunCreate{FlowID: flow.ID, State: api.Some(api.StateCreate{Type: api.StateTypePending})})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, client: c, run: run, told: make(chan string, 1000), end: make(chan error, 1)}
	go s.watch(t.Context())
	return s
}

func (s *scene) watch(ctx context.Context) {
	_, err := follow.Run(ctx, s.client, s.run.ID, follow.Options{Logs: true}, follow.Sink{
		State: func(r *api.FlowRunResponse) { s.told <- "state " + output.Text(r.StateName) },
		Logs: func(lines []api.Log) {
			for _, l := range lines {
				s.told <- l.Message
			}
		},
	})
	close(s.told)
	s.end <- err
}

func (s *scene) set(state api.StateType, name string) {
	s.t.Helper()
	_, err := s.client.SetFlowRunState(s.t.Context(), s.run.ID, &api.SetFlowRunStateRequest{State: api.StateCreate{Type: state, Name: api.Some(name)}})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) log(messages ...string) {
	s.t.Helper()
	s.logAt(time.Now(), messages...)
}

func (s *scene) logAt(now time.Time, messages ...string) {
	s.t.Helper()
	id := s.run.ID
	logs := make([]api.LogCreate, len(messages))
	for i, m := range messages {
		logs[i] = api.LogCreate{Name: "test", Level: 20, Message: m, Timestamp: api.At(now.Add(time.Duration(i) * time.Microsecond)), FlowRunID: api.Some(id)}
	}
	if _, err := s.client.CreateLogs(s.t.Context(), logs); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits for what the watcher is told next.
func (s *scene) expect(want ...string) {
	s.t.Helper()
	for _, w := range want {
		if got, more := s.next(); !more {
			s.t.Fatalf("watching ended (%v) before %q", <-s.end, w)
		} else if got != w {
			s.t.Fatalf("told %q, want %q", got, w)
		}
	}
}

func (s *scene) expectEnd() {
	s.t.Helper()
	if got, more := s.next(); more {
		s.t.Fatalf("told %q after the last line", got)
	}
	if err := <-s.end; err != nil {
		s.t.Fatal(err)
	}
}

// next is what the watcher is told next; nothing more is told once it has ended.
func (s *scene) next() (told string, more bool) {
	s.t.Helper()
	select {
	case told, more = <-s.told:
		return told, more
	case <-time.After(time.Minute):
		s.t.Fatal("nothing is told, and watching does not end")
		return "", false
	}
}

func TestEverythingIsToldOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s := watched(t, testkit.UsherServer(t))
	s.expect("state Pending")
	s.set(api.StateTypeRunning, "Running")
	s.expect("state Running")
	s.log("Beginning flow run", "a")
	s.expect("Beginning flow run", "a")
	var many []string
	for i := range 450 { // more than two pages
		many = append(many, fmt.Sprintf("line %03d", i))
	}
	s.log(many...)
	got := make([]string, 0, len(many))
	for range many {
		line, _ := s.next()
		got = append(got, line)
	}
	if diff := cmp.Diff(strings.Join(many, "\n"), strings.Join(got, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.set(api.StateTypeCompleted, "Completed")
	s.logAt(time.Now().Add(-9*time.Second), "sent late")
	s.log("late", "Finished in state Completed()")
	s.expect("sent late", "state Completed", "late", "Finished in state Completed()")
	s.expectEnd()
}

func TestWatchingSurvivesTheServersRestart(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := watched(t, server)
	s.expect("state Pending")
	server.Stop()
	server.Restart(t)
	s.set(api.StateTypeRunning, "Running")
	s.expect("state Running")
	s.log("Beginning flow run", "Finished in state Failed()")
	s.expect("Beginning flow run", "Finished in state Failed()")
	s.set(api.StateTypeFailed, "Failed")
	s.expect("state Failed")
	s.expectEnd()
}

func TestARunThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	c, err := client.New(client.Options{BaseURL: server.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = follow.Run(t.Context(), c, uuid.New(), follow.Options{}, follow.Sink{})
	if api.CodeOf(err) != api.CodeNotFound {
		t.Errorf("error %v, want not found", err)
	}
	server.Stop()
	_, err = follow.Run(t.Context(), c, uuid.New(), follow.Options{}, follow.Sink{})
	if api.CodeOf(err) != api.CodeUnavailable {
		t.Errorf("error %v, want unavailable", err)
	}
}

func TestTheRunsOfADeploymentAreHeardAcrossARestart(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s, start := several(t, server, 50*time.Millisecond, "")
	start("first")
	s.log("one")
	s.expect("first: one")
	server.Stop()
	server.Restart(t)
	s.log("two")
	s.expect("first: two")
	s.set(api.StateTypeCompleted, "Completed")
	s.log("after its end")
	s.expect("first: after its end")
	start("second")
	s.log("three")
	s.expect("second: three")
}

// TestSocketsTellWhenToLook looks by itself once an hour, so that what is told was heard of.
func TestSocketsTellWhenToLook(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	for _, pool := range []string{"", "local"} {
		s, start := several(t, server, time.Hour, pool)
		for _, name := range []string{"first", "second"} {
			start(name)
			heard := 0
			testkit.Eventually(t, time.Minute, func() error { // the first lines may come before somebody listens
				s.log("line")
				for len(s.told) > 0 {
					if got := <-s.told; got == name+": line" {
						heard++
					}
				}
				if heard < 3 {
					return fmt.Errorf("heard %d lines of the run %s, pool %q", heard, name, pool)
				}
				return nil
			})
		}
	}
}

// several follows the runs of a deployment, or of the work pool that it runs in; start begins one.
func several(t *testing.T, server *testkit.Server, poll time.Duration, pool string) (s *scene, start func(name string)) {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: server.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "etl"})
	if err != nil {
		t.Fatal(err)
	}
	create, runs := &api.DeploymentCreate{Name: "nightly", FlowID: flow.ID}, follow.Runs{}
	if pool != "" {
		made, err := c.CreateWorkPool(t.Context(), &api.WorkPoolCreate{Name: pool, Type: api.Some("process")})
		if err != nil {
			t.Fatal(err)
		}
		create.WorkPoolName, runs = api.Some(pool), follow.Runs{Pool: pool, PoolID: made.ID}
	}
	deployment, err := c.CreateDeployment(t.Context(), create)
	if err != nil {
		t.Fatal(err)
	}
	if pool == "" {
		runs.Deployment = deployment.ID
	}
	told, ctx := make(chan string, 1000), t.Context()
	go func() {
		_ = follow.Several(ctx, c, runs, time.Now(), poll, func(lines []api.Log, names map[uuid.UUID]string) {
			for _, l := range lines {
				told <- names[*l.FlowRunID] + ": " + l.Message
			}
		})
	}()
	s = &scene{t: t, client: c, told: told}
	return s, func(name string) {
		run, err := c.CreateFlowRunFromDeployment(t.Context(), deployment.ID, &api.DeploymentFlowRunCreate{
			Name: api.Some(name), State: api.Some(api.StateCreate{Type: api.StateTypePending}),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.run = run
		s.set(api.StateTypeRunning, "Running")
	}
}

package services_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/services"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// tenant is a workspace in which a bit of everything goes on.
type tenant struct {
	t    *testing.T
	c    *core.Core
	who  core.Caller
	name string
	flow uuid.UUID

	scheduled, target                   uuid.UUID // deployments
	late, parent, child, deployed, done uuid.UUID // runs
}

// Every service does its work in each of two workspaces that are busy with the same, and
// nothing of it reaches the other one.
func TestServicesWorkInEveryWorkspace(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		var later atomic.Int64 // by which the server's clock is ahead
		clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		c := &core.Core{
			Store: db, Bus: &bus.Bus{}, Clock: clock, Log: log, Keys: crypt.NewKeeper("", t.TempDir()),
			Upkeep: core.Upkeep{Retention: core.Retention{FlowRuns: 24 * time.Hour}},
		}
		tenants := []*tenant{newTenant(t, c, "red"), newTenant(t, c, "blue")}
		run(t, services.All(c, log, services.Options{Vacuum: time.Second}))
		each := func(do func(*tenant) error) {
			t.Helper()
			for _, x := range tenants {
				testkit.Eventually(t, time.Minute, func() error { return do(x) })
			}
		}

		each((*tenant).isScheduled)
		later.Store(int64(2 * time.Minute))
		each(func(x *tenant) error { return x.is(x.late, "Late") })
		each((*tenant).isSilent)

		for i, x := range tenants {
			x.set(x.parent, "CANCELLED")
			x.tick()
			testkit.Eventually(t, time.Minute, func() error { return x.isPaused(true) })
			testkit.Eventually(t, time.Minute, func() error { return x.is(x.child, "Cancelled") })
			for _, other := range tenants[i+1:] {
				if err := errors.Join(other.isPaused(false), other.is(other.child, "Running")); err != nil {
					t.Errorf("what happened in %s reached %s: %v", x.name, other.name, err)
				}
			}
		}
		later.Store(int64(10 * time.Minute))
		each(func(x *tenant) error { return x.is(x.deployed, "Cancelled") })

		for _, x := range tenants {
			x.set(x.done, "COMPLETED")
		}
		later.Store(int64(25 * time.Hour))
		each((*tenant).isForgotten)
		for i, x := range tenants {
			x.knowsNothingOf(tenants[1-i])
		}
	})
}

// run runs services until the test ends.
func run(t *testing.T, all []services.Service) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, s := range all {
		running.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Errorf("%s: %v", s.Name(), err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

func newTenant(t *testing.T, c *core.Core, name string) *tenant {
	t.Helper()
	x := &tenant{t: t, c: c, name: name, who: core.Caller{Workspace: uuid.New()}}
	now := api.At(c.Clock())
	storetest.Write(t, c.Store, func(tx *store.Tx) error {
		return tx.InsertWorkspace(&store.Workspace{ID: x.who.Workspace, Created: now, Updated: now, Name: name, Handle: name, Settings: jsontext.Value("{}")})
	})
	flow, _, err := c.CreateFlow(t.Context(), x.who, read[api.FlowCreate](t, `{"name":"%s"}`, name))
	x.ok(err)
	x.flow = flow.ID
	_, err = c.CreateWorkPool(t.Context(), x.who, read[api.WorkPoolCreate](t, `{"name":"%s","type":"process"}`, name))
	x.ok(err)
	x.ok(c.WorkerHeartbeat(t.Context(), x.who, name, read[api.WorkerHeartbeatRequest](t, `{"name":"worker of %s"}`, name)))
	x.scheduled = x.deployment("scheduled", `,"schedules":[{"schedule":{"interval":3600},"active":true}]`)
	x.target = x.deployment("target", "")
	body := fmt.Sprintf(`{"name":"%s","trigger":{"type":"event","posture":"Reactive","expect":["tick"],"threshold":1},"actions":[{"type":"pause-deployment","source":"selected","deployment_id":"%s"}]}`, name, x.target)
	_, err = c.CreateAutomation(t.Context(), x.who, read[api.AutomationCreate](t, "%s", body), []byte(body))
	x.ok(err)

	x.late = x.of(x.target)
	x.done = x.running(x.of(x.target))
	x.parent = x.running(x.of(x.target))
	task, _, err := c.CreateTaskRun(t.Context(), x.who, read[api.TaskRunCreate](t, `{"flow_run_id":"%s","task_key":"t","dynamic_key":"0","state":{"type":"RUNNING"}}`, x.parent))
	x.ok(err)
	x.child = x.run(`{"flow_id":"%s","parent_task_run_id":"%s","state":{"type":"RUNNING","name":"Running"}}`, x.flow, task.ID)
	other, _, err := c.CreateTaskRun(t.Context(), x.who, read[api.TaskRunCreate](t, `{"flow_run_id":"%s","task_key":"t","dynamic_key":"1","state":{"type":"RUNNING"}}`, x.parent))
	x.ok(err)
	x.deployed = x.run(`{"flow_id":"%s","deployment_id":"%s","parent_task_run_id":"%s","state":{"type":"RUNNING","name":"Running"}}`, x.flow, x.target, other.ID)
	return x
}

func read[T any](t *testing.T, text string, args ...any) *T {
	t.Helper()
	v := new(T)
	if err := api.Decode(fmt.Appendf(nil, text, args...), v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (x *tenant) ok(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatalf("%s: %v", x.name, err)
	}
}

func (x *tenant) deployment(name, more string) uuid.UUID {
	x.t.Helper()
	d, _, err := x.c.CreateDeployment(x.t.Context(), x.who, read[api.DeploymentCreate](x.t, `{"name":"%s","flow_id":"%s"%s}`, name, x.flow, more))
	x.ok(err)
	return d.ID
}

func (x *tenant) of(deployment uuid.UUID) uuid.UUID {
	x.t.Helper()
	run, _, err := x.c.RunDeployment(x.t.Context(), x.who, deployment, read[api.DeploymentFlowRunCreate](x.t, `{}`))
	x.ok(err)
	return run.ID
}

func (x *tenant) run(text string, args ...any) uuid.UUID {
	x.t.Helper()
	run, _, err := x.c.CreateFlowRun(x.t.Context(), x.who, read[api.FlowRunCreate](x.t, text, args...))
	x.ok(err)
	return run.ID
}

func (x *tenant) running(run uuid.UUID) uuid.UUID {
	x.set(run, "PENDING")
	x.set(run, "RUNNING")
	return run
}

func (x *tenant) set(run uuid.UUID, state string) {
	x.t.Helper()
	result, _, err := x.c.SetFlowRunState(x.t.Context(), x.who, run, read[api.SetFlowRunStateRequest](x.t, `{"state":{"type":"%s"}}`, state))
	x.ok(err)
	if result.Status != api.SetStateStatusAccept {
		x.t.Fatalf("%s: %s is answered with %s", x.name, state, result.Status)
	}
}

// tick is what the automation waits for.
func (x *tenant) tick() {
	x.t.Helper()
	at, err := api.At(x.c.Clock()).MarshalText()
	x.ok(err)
	e, err := core.ReadEvent(fmt.Appendf(nil, `{"occurred":"%s","event":"tick","id":"%s","resource":{"prefect.resource.id":"clock"}}`, at, uuid.New()))
	x.ok(err)
	x.ok(x.c.Ingest(x.t.Context(), x.who, []api.ReceivedEvent{e}))
}

func (x *tenant) is(run uuid.UUID, state string) error {
	r, err := x.c.FlowRun(x.t.Context(), x.who, run)
	if err != nil {
		return testkit.Final(err)
	}
	if *r.StateName != state {
		return fmt.Errorf("%s: the run is %s, not %s", x.name, *r.StateName, state)
	}
	return nil
}

func (x *tenant) runs() ([]api.FlowRunResponse, error) {
	return x.c.FlowRuns(x.t.Context(), x.who, core.Filters{}, api.FlowRunSortExpectedStartTimeAsc, 1000, 0)
}

func (x *tenant) isScheduled() error {
	runs, err := x.runs()
	n := 0
	for _, r := range runs {
		if r.DeploymentID != nil && *r.DeploymentID == x.scheduled {
			n++
		}
	}
	if err != nil || n < 3 || n != len(runs)-5 {
		return fmt.Errorf("%s: %d runs of the schedule, %d in all, %w", x.name, n, len(runs), err)
	}
	return nil
}

func (x *tenant) isSilent() error {
	p, err := x.c.WorkPool(x.t.Context(), x.who, x.name)
	if err != nil || *p.Status != api.WorkPoolStatusNotReady {
		return fmt.Errorf("%s: the pool is %v, %w", x.name, p, err)
	}
	return nil
}

func (x *tenant) isPaused(want bool) error {
	d, err := x.c.Deployment(x.t.Context(), x.who, x.target)
	if err != nil || d.Paused != want {
		return fmt.Errorf("%s: paused is not %v, %w", x.name, want, err)
	}
	return nil
}

// isForgotten says whether the runs that have ended are gone, and only those.
func (x *tenant) isForgotten() error {
	_, err := x.c.FlowRun(x.t.Context(), x.who, x.done)
	if api.CodeOf(err) != api.CodeNotFound {
		return fmt.Errorf("%s: the run that ended is still there, %w", x.name, err)
	}
	_, err = x.c.FlowRun(x.t.Context(), x.who, x.late)
	return err
}

// knowsNothingOf looks for another workspace's things in all that this one tells.
func (x *tenant) knowsNothingOf(other *tenant) {
	x.t.Helper()
	runs, err := x.runs()
	x.ok(err)
	q, err := x.c.ReadEventQuery(read[api.EventFilter](x.t, `{}`))
	x.ok(err)
	var events []api.ReceivedEvent
	for {
		page, total, err := x.c.Events(x.t.Context(), x.who, q, 200, len(events))
		x.ok(err)
		if events = append(events, page...); len(events) >= total || len(page) == 0 {
			break
		}
	}
	told, err := json.Marshal([]any{runs, events})
	x.ok(err)
	if len(events) < 20 || !strings.Contains(string(told), x.target.String()) {
		x.t.Errorf("%s tells of %d events only", x.name, len(events))
	}
	for _, id := range []uuid.UUID{other.flow, other.scheduled, other.target, other.late, other.parent, other.child, other.deployed, other.done} {
		if strings.Contains(string(told), id.String()) {
			x.t.Errorf("%s tells of %s, which is of %s", x.name, id, other.name)
		}
	}
}

package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// A worker of the reference that dies between its claim and the start of the run leaves
// the run PENDING for ever: its server does not look at it again.

// claimed makes a run of a deployment that a worker has claimed.
func (h *house) claimed(d *api.DeploymentResponse, worker string) uuid.UUID {
	h.t.Helper()
	run := h.run(d, `{}`).ID
	h.claim(run, worker)
	return run
}

func (h *house) claim(run uuid.UUID, worker string) {
	h.t.Helper()
	if got := h.set(run, `{"type":"PENDING"}`); got != api.SetStateStatusAccept {
		h.t.Fatalf("the claim is answered with %s", got)
	}
	if worker != "" {
		h.ok(h.LabelFlowRun(h.t.Context(), who, run, map[string]jsontext.Value{"prefect.worker.name": jsontext.Value(`"` + worker + `"`)}))
	}
}

// works lets workers of pool p send a heartbeat every 30 seconds for some minutes.
func (h *house) works(minutes int, workers ...string) {
	h.t.Helper()
	for range 2 * minutes {
		h.pass(30 * time.Second)
		for _, name := range workers {
			h.ok(h.WorkerHeartbeat(h.t.Context(), who, "p", read[api.WorkerHeartbeatRequest](h.t, `{"name":"`+name+`"}`)))
		}
		h.ok(h.CheckPresence(h.t.Context(), who))
	}
}

func (h *house) releases(listening time.Time) {
	h.t.Helper()
	h.ok(h.ReleaseClaims(h.t.Context(), who, listening))
}

func TestRunsOfADeadWorkerAreGivenBack(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		h.pool(`{"name":"p","type":"kubernetes"}`)
		d := h.deployment("d", `"work_pool_name":"p","concurrency_limit":9`)
		h.works(1, "dead", "alive")
		of := map[string]uuid.UUID{"dead": h.claimed(d, "dead"), "alive": h.claimed(d, "alive"), "nameless": h.claimed(d, ""), "made": h.claimed(d, "dead")}
		h.ok(h.UpdateFlowRun(h.t.Context(), who, of["made"], read[api.FlowRunUpdate](h.t, `{"infrastructure_pid":"job-1"}`)))
		expect := func(when string, dead, alive, nameless, made string) {
			h.t.Helper()
			want := map[string]string{"dead": dead, "alive": alive, "nameless": nameless, "made": made}
			for name, run := range of {
				if got := h.stateOf(run); got != want[name] {
					h.t.Errorf("%s: the run of %s is %s, want %s", when, name, got, want[name])
				}
			}
		}
		h.works(2, "alive")
		h.releases(h.clock())
		expect("the server has just started", "Pending", "Pending", "Pending", "Pending")
		h.releases(opened)
		expect("one worker is dead", "Scheduled", "Pending", "Pending", "Pending")
		if state := h.read(of["dead"]).State; !strings.HasPrefix(*state.Message, "The worker dead claimed this run") {
			h.t.Errorf("given back with %q", *state.Message)
		}
		if got := h.taken("deployment:" + d.ID.String()); got != 3 {
			h.t.Errorf("%d slots are held by three claims", got)
		}
		h.works(3)
		h.releases(opened)
		expect("all are dead", "Scheduled", "Scheduled", "Scheduled", "Pending")
		h.works(26)
		h.releases(opened)
		expect("half an hour later", "Scheduled", "Scheduled", "Scheduled", "Crashed")
		if got := h.set(of["made"], `{"type":"RUNNING"}`); got != api.SetStateStatusAccept {
			h.t.Errorf("infrastructure that starts after all is answered with %s", got)
		}
	})
}

// process lets a process of a worker of pool p send heartbeats over its channel for some
// minutes; it opens the channel before.
func (h *house) process(minutes int, name string, id uuid.UUID) {
	h.t.Helper()
	place := must[*core.WorkerPlace](h.t)(h.OpenChannel(h.t.Context(), who, &core.WorkerIntroduction{Pool: "p", Name: name, Process: id, Interval: 30}))
	for range 2 * minutes {
		h.pass(30 * time.Second)
		must[*api.WorkPoolResponse](h.t)(h.BeatChannel(h.t.Context(), who, place.Pool.ID, id, name, 30))
		h.ok(h.CheckPresence(h.t.Context(), who))
	}
}

func TestAWorkerThatWasStartedAgainIsAnother(t *testing.T) {
	inHouses(t, func(h *house) {
		opened, first, second := h.clock(), uuid.New(), uuid.New()
		h.pool(`{"name":"p","type":"process"}`)
		d := h.deployment("d", `"work_pool_name":"p"`)
		h.process(1, "w", first)
		run, nameless, made := h.claimed(d, "w"), h.claimed(d, ""), h.claimed(d, "w")
		h.ok(h.UpdateFlowRun(h.t.Context(), who, made, read[api.FlowRunUpdate](h.t, `{"infrastructure_pid":"7"}`)))
		h.process(1, "w", second)
		later := h.claimed(d, "w")
		h.releases(opened)
		if got := h.stateOf(run); got != "Pending" {
			t.Fatalf("a minute later the run is %s", got)
		}
		h.process(3, "w", second)
		h.releases(opened)
		for id, want := range map[uuid.UUID]string{run: "Scheduled", nameless: "Scheduled", made: "Pending", later: "Pending"} {
			if got := h.stateOf(id); got != want {
				t.Errorf("the run is %s, want %s", got, want)
			}
		}
		// The first process was only cut off: of the two starts one is accepted.
		h.claim(run, "w")
		for i, want := range []api.SetStateStatus{api.SetStateStatusAccept, api.SetStateStatusAbort} {
			if got := h.set(run, `{"type":"RUNNING"}`); got != want {
				t.Errorf("start %d is answered with %s, want %s", i+1, got, want)
			}
		}
		h.set(run, `{"type":"COMPLETED"}`)
		if got := h.set(run, `{"type":"RUNNING"}`); got != api.SetStateStatusAbort {
			t.Errorf("a start after the end is answered with %s", got)
		}
	})
}

func TestTwoProcessesOfOneNameKeepTheirClaims(t *testing.T) {
	inHouses(t, func(h *house) {
		opened, one, two := h.clock(), uuid.New(), uuid.New()
		h.pool(`{"name":"p","type":"process"}`)
		d := h.deployment("d", `"work_pool_name":"p"`)
		h.process(1, "w", one)
		run := h.claimed(d, "w")
		for range 4 {
			h.process(1, "w", two)
			h.process(1, "w", one)
		}
		h.releases(opened)
		if got := h.stateOf(run); got != "Pending" {
			t.Errorf("while both are there the run is %s", got)
		}
	})
}

// Workers of old releases, and those behind a proxy that lets no sockets through, do not tell
// which process they are.
func TestAClaimThatNothingFollowsEnds(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		h.pool(`{"name":"p","type":"docker"}`)
		d := h.deployment("d", `"work_pool_name":"p"`)
		h.works(1, "w")
		run, fetches := h.claimed(d, "w"), h.claimed(d, "w")
		h.set(fetches, `{"type":"PENDING","name":"Submitting"}`)
		for _, step := range []struct {
			minutes      int
			run, fetches string
		}{{9, "Pending", "Submitting"}, {2, "Scheduled", "Submitting"}, {18, "Scheduled", "Submitting"}, {2, "Scheduled", "Crashed"}} {
			h.works(step.minutes, "w")
			h.releases(opened)
			if got := []string{h.stateOf(run), h.stateOf(fetches)}; got[0] != step.run || got[1] != step.fetches {
				t.Errorf("after %d more minutes the runs are %q", step.minutes, got)
			}
		}
	})
}

func TestARunThatKillsItsWorkersIsNotGivenBackForEver(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		h.pool(`{"name":"p","type":"process"}`)
		d := h.deployment("d", `"work_pool_name":"p"`)
		run := h.run(d, `{}`).ID
		for _, worker := range []string{"one", "two", "three"} {
			h.works(1, worker)
			h.claim(run, worker)
			h.works(3)
			h.releases(opened)
		}
		crashed := h.read(run)
		if *crashed.StateName != "Crashed" || !strings.HasPrefix(*crashed.State.Message, "3 times in a row") {
			t.Errorf("after three workers the run is %+v", crashed.State)
		}
	})
}

func TestRunsOfAServedDeploymentAreGivenBack(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		d := h.deployment("d", "")
		serve := func() {
			in := read[api.GetScheduledFlowRunsForDeploymentsRequest](h.t, `{"deployment_ids":["`+d.ID.String()+`"]}`)
			must[[]api.FlowRunResponse](h.t)(h.ScheduledRuns(h.t.Context(), who, in, 10))
		}
		serve()
		run := h.claimed(d, "")
		h.pass(time.Minute)
		serve()
		h.pass(119 * time.Second)
		h.releases(opened)
		if got := h.stateOf(run); got != "Pending" {
			t.Errorf("while its deployment is served the run is %s", got)
		}
		h.pass(2 * time.Second)
		h.releases(opened)
		if got := h.stateOf(run); got != "Scheduled" {
			t.Errorf("when nobody serves it any more the run is %s", got)
		}
	})
}

func TestACrashedRunTakesItsProcessAlong(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		parent := h.read(h.running(d))
		child, _ := h.subflow(parent, "")
		deployed, _ := h.subflow(parent, d.ID.String())
		task, _, err := h.CreateTaskRun(h.t.Context(), who, read[api.TaskRunCreate](h.t, `{"flow_run_id":"`+parent.ID.String()+`","task_key":"k","dynamic_key":"1","state":{"type":"RUNNING"}}`))
		h.ok(err)
		done, _, err := h.CreateTaskRun(h.t.Context(), who, read[api.TaskRunCreate](h.t, `{"flow_run_id":"`+parent.ID.String()+`","task_key":"k","dynamic_key":"2","state":{"type":"COMPLETED"}}`))
		h.ok(err)
		began := h.clock()
		h.set(parent.ID, `{"type":"CRASHED"}`)
		h.ok(h.EndChildren(h.t.Context(), who, h.clock()))
		if got := h.stateOf(child); got != "Running" {
			t.Errorf("before its parent is looked at the subflow is %s", got)
		}
		h.ok(h.EndChildren(h.t.Context(), who, began))
		if got := h.read(child); *got.StateName != "Crashed" || *got.State.Message != "The parent flow run crashed." {
			t.Errorf("the subflow is %+v", got.State)
		}
		if got := h.stateOf(deployed); got != "Running" {
			t.Errorf("the subflow with a process of its own is %s", got)
		}
		for id, want := range map[uuid.UUID]string{task.ID: "Crashed", done.ID: "Completed"} {
			if got := must[*api.TaskRun](h.t)(h.TaskRun(h.t.Context(), who, id)); *got.StateName != want {
				t.Errorf("the task run is %s, want %s", *got.StateName, want)
			}
		}
	})
}

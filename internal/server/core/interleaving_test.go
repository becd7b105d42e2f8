package core_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// The reference keeps leases in memory and slots in its database, so that a restart
// leaves slots that nobody holds; its runs that leave RUNNING for a retry give their slot
// back twice. Here a slot is held by a lease, or it is free.

// clients do at random what clients of any kind do, dying ones included.
type clients struct {
	*house

	random     *rand.Rand
	deployment *api.DeploymentResponse
	runs       []uuid.UUID
	tasks      []uuid.UUID
	leases     []uuid.UUID
	counts     map[uuid.UUID]int // run_count of each run, as it was last
}

const slotsOfAll = 2

func (c *clients) step(opened time.Time) {
	ctx := c.t.Context()
	actor := core.Caller{Workspace: who.Workspace, ClientVersion: []string{"", "3.4.10", "3.8.3"}[c.random.IntN(3)]}
	switch c.random.IntN(12) {
	case 0:
		if len(c.runs) < 8 {
			c.runs = append(c.runs, c.run(c.deployment, `{}`).ID)
		}
	case 1:
		_, lease, err := c.AcquireSlots(ctx, actor, &core.Slots{Names: []string{"db"}, Slots: 1 + c.random.IntN(2), Lease: &core.LeaseTerms{Duration: time.Minute}})
		if err == nil {
			c.leases = append(c.leases, lease)
		}
	case 2:
		if lease, ok := c.pick(c.leases); ok {
			c.ok(c.ReleaseLease(ctx, actor, lease)) // also again, which is no error
		}
	case 3:
		if lease, ok := c.pick(c.leases); ok {
			_ = c.RenewLease(ctx, actor, lease, time.Minute) // gone or not
		}
	case 4:
		c.pass(time.Duration(c.random.IntN(400)) * time.Second)
		must[*api.Time](c.t)(c.ReapLeases(ctx, opened))
	case 5:
		if run, ok := c.pick(c.runs); ok {
			c.beat(run)
			c.pass(time.Duration(c.random.IntN(400)) * time.Second)
			c.listens(opened)
		}
	case 6:
		if run, ok := c.pick(c.runs); ok && c.random.IntN(4) == 0 {
			c.ok(c.DeleteFlowRun(ctx, actor, run))
			c.runs = slices.DeleteFunc(c.runs, func(id uuid.UUID) bool { return id == run })
		}
	case 7:
		c.taskStep(actor)
	default:
		c.move(actor)
	}
}

func (c *clients) pick(ids []uuid.UUID) (id uuid.UUID, ok bool) {
	if len(ids) == 0 {
		return id, false
	}
	return ids[c.random.IntN(len(ids))], true
}

func (c *clients) move(actor core.Caller) {
	run, ok := c.pick(c.runs)
	if !ok {
		return
	}
	details := []string{"", `,"state_details":{"pause_reschedule":true,"pause_timeout":"2026-04-01T00:00:00Z"}`}[c.random.IntN(2)]
	body := fmt.Sprintf(`{"state":{"type":%q%s},"force":%t}`, c.someState(), details, c.random.IntN(5) == 0)
	_, _, err := c.SetFlowRunState(c.t.Context(), actor, run, read[api.SetFlowRunStateRequest](c.t, body))
	c.ok(err)
}

func (c *clients) taskStep(actor core.Caller) {
	task, ok := c.pick(c.tasks)
	if !ok || c.random.IntN(3) == 0 {
		in := read[api.TaskRunCreate](c.t, fmt.Sprintf(`{"task_key":"k","dynamic_key":"%d","tags":["a"]}`, len(c.tasks)))
		made, _, err := c.CreateTaskRun(c.t.Context(), actor, in)
		c.ok(err)
		c.tasks = append(c.tasks, made.ID)
		return
	}
	body := fmt.Sprintf(`{"state":{"type":%q},"force":%t}`, c.someState(), c.random.IntN(5) == 0)
	_, _, err := c.SetTaskRunState(c.t.Context(), actor, task, read[api.SetTaskRunStateRequest](c.t, body))
	c.ok(err)
}

func (c *clients) someState() api.StateType {
	all := []api.StateType{"SCHEDULED", "PENDING", "PENDING", "RUNNING", "RUNNING", "PAUSED", "CANCELLING", "CANCELLED", "COMPLETED", "FAILED", "CRASHED"}
	return all[c.random.IntN(len(all))]
}

// check compares slots with leases, and the runs with what they were.
func (c *clients) check(when string) {
	c.t.Helper()
	for name, limit := range map[string]int{"db": 3, "tag:a": 1, "deployment:" + c.deployment.ID.String(): slotsOfAll} {
		held := 0
		for _, h := range must[[]api.LimitHolder](c.t)(c.LimitHolders(c.t.Context(), who, core.ByName(name))) {
			held += h.Slots
		}
		if taken := c.taken(name); taken != held || taken > limit {
			c.t.Fatalf("%s: %s has %d slots taken of %d, its leases hold %d", when, name, taken, limit, held)
		}
	}
	for _, id := range c.runs {
		run := c.read(id)
		if run.RunCount < c.counts[id] {
			c.t.Fatalf("%s: run_count went from %d to %d", when, c.counts[id], run.RunCount)
		}
		c.counts[id] = run.RunCount
		ended := *run.StateType == api.StateTypeCompleted || *run.StateType == api.StateTypeFailed || *run.StateType == api.StateTypeCrashed || *run.StateType == api.StateTypeCancelled
		if ended != (run.EndTime != nil) || *run.StateType != run.State.Type {
			c.t.Fatalf("%s: a run is %s, ended %v, in state %s", when, *run.StateType, run.EndTime, run.State.Type)
		}
	}
}

func TestSlotsAreAlwaysThoseOfTheLeases(t *testing.T) {
	inHouses(t, func(h *house) {
		opened := h.clock()
		for _, limit := range []string{`{"name":"db","limit":3}`, `{"name":"tag:a","limit":1}`} {
			must[*api.ConcurrencyLimitV2](h.t)(h.CreateConcurrencyLimit(h.t.Context(), who, read[api.ConcurrencyLimitV2Create](h.t, limit)))
		}
		seed := rand.Uint64()
		c := &clients{house: h, random: rand.New(rand.NewPCG(seed, 1)), counts: map[uuid.UUID]int{}}
		c.deployment = h.deployment("d", fmt.Sprintf(`"concurrency_limit":%d`, slotsOfAll))
		for i := range 200 {
			c.step(opened)
			c.check(fmt.Sprintf("seed %d, step %d", seed, i))
		}
		for _, id := range c.runs {
			h.ok(h.DeleteFlowRun(h.t.Context(), who, id))
		}
		h.pass(24 * time.Hour)
		must[*api.Time](h.t)(h.ReapLeases(h.t.Context(), opened))
		if got := h.taken("deployment:" + c.deployment.ID.String()); got != 0 {
			t.Errorf("%d slots are left when every run is gone (seed %d)", got, seed)
		}
		if got := h.taken("db"); got != 0 {
			t.Errorf("%d slots are left when every lease is over (seed %d)", got, seed)
		}
	})
}

func TestManyWorkersShareFewSlots(t *testing.T) {
	inHouses(t, func(h *house) {
		const runs, workers = 12, 4
		d := h.deployment("d", fmt.Sprintf(`"concurrency_limit":%d`, slotsOfAll))
		waiting := make(chan uuid.UUID, runs)
		for range runs {
			waiting <- h.run(d, `{}`).ID
		}
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for range runs { // each tries for a while; a run that finds no slot goes back
					select {
					case run := <-waiting:
						if !h.tries(run, d) {
							waiting <- run
						}
					default:
						return
					}
				}
			})
		}
		group.Wait()
		if got := h.taken("deployment:" + d.ID.String()); got != 0 {
			t.Errorf("%d slots are left", got)
		}
	})
}

// tries lets a worker run a run, if it finds a slot.
func (h *house) tries(run uuid.UUID, d *api.DeploymentResponse) bool {
	h.t.Helper()
	actor := core.Caller{Workspace: who.Workspace, ClientVersion: "3.8.3"}
	states := []string{"PENDING", "RUNNING", "COMPLETED"}
	if h.stateOf(run) == "Pending" {
		states = states[1:]
	}
	for _, state := range states {
		got, _, err := h.SetFlowRunState(h.t.Context(), actor, run, read[api.SetFlowRunStateRequest](h.t, `{"state":{"type":"`+state+`"}}`))
		if err != nil {
			h.t.Error(err)
			return true
		}
		if taken := h.taken("deployment:" + d.ID.String()); taken > slotsOfAll {
			h.t.Errorf("%d slots are taken", taken)
		}
		switch got.Status {
		case api.SetStateStatusWait: // it found no slot before and is ahead of its time
			h.pass(time.Minute)
			return h.tries(run, d)
		case api.SetStateStatusAccept:
		default:
			return false
		}
	}
	return true
}

func TestTheHoldersOfALimitAreNamed(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", `"concurrency_limit":2`)
		run := h.read(h.running(d))
		ask := &core.Slots{Names: []string{"deployment:" + d.ID.String()}, Slots: 1, Lease: &core.LeaseTerms{Duration: time.Minute}}
		_, lease, err := h.AcquireSlots(h.t.Context(), who, ask)
		h.ok(err)
		got := must[[]api.LimitHolder](h.t)(h.LimitHolders(h.t.Context(), who, core.ByName(ask.Names[0])))
		if len(got) != 2 || *got[0].Type != "flow_run" || *got[0].ID != run.ID || *got[0].Name != run.Name || *got[0].State != "Running" {
			t.Fatalf("the holders are %+v", got)
		}
		if got[1].LeaseID != lease || got[1].Type != nil || got[1].Expires == nil || got[1].Slots != 1 {
			t.Errorf("the nameless holder is %+v", got[1])
		}
		if _, err := h.LimitHolders(h.t.Context(), who, core.ByName("nope")); api.CodeOf(err) != api.CodeNotFound {
			t.Errorf("of an unknown limit: %v", err)
		}
	})
}

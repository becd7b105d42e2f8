package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// What is held by clients that were killed is free again when their leases are over or
// their runs are known to be dead, whatever they held.
func TestDeadClientsHoldNothingForLong(t *testing.T) {
	inHouses(t, func(h *house) {
		ctx, opened := t.Context(), h.clock()
		for _, name := range []string{"db", "tag:a"} {
			must[*api.ConcurrencyLimitV2](t)(h.CreateConcurrencyLimit(ctx, who, &api.ConcurrencyLimitV2Create{Name: name, Limit: 3}))
		}
		h.pool(`{"name":"p","type":"process"}`)
		h.works(1, "w")
		d := h.deployment("d", `"work_pool_name":"p","concurrency_limit":3`)
		h.claimed(d, "w")
		runs := []uuid.UUID{h.running(d), h.starts(d, "3.8.3")}
		for _, run := range runs {
			h.beat(run)
			task, _, err := h.CreateTaskRun(ctx, who, read[api.TaskRunCreate](t, `{"flow_run_id":"`+run.String()+`","task_key":"k","dynamic_key":"0","state":{"type":"RUNNING"}}`))
			h.ok(err)
			_, err = h.AcquireTags(ctx, who, []string{"a"}, task.ID)
			h.ok(err)
		}
		_, _, err := h.AcquireSlots(ctx, who, &core.Slots{Names: []string{"db", "tag:a"}, Slots: 1, Lease: &core.LeaseTerms{Duration: 2 * time.Minute}})
		h.ok(err)
		limits := map[string]int{"db": 1, "tag:a": 3, "deployment:" + d.ID.String(): 3}
		h.holds("while all live", limits)
		for range 8 * 4 {
			h.pass(15 * time.Second)
			h.ok(h.CheckPresence(ctx, who))
			h.listens(opened)
			h.releases(opened)
			h.ok(h.EndChildren(ctx, who, opened))
			must[*api.Time](t)(h.ReapLeases(ctx, opened))
		}
		for name := range limits {
			limits[name] = 0
		}
		h.holds("eight minutes after all died", limits)
	})
}

// starts is running for a client of a version.
func (h *house) starts(d *api.DeploymentResponse, version string) uuid.UUID {
	h.t.Helper()
	run := h.run(d, `{}`).ID
	for _, state := range []string{"PENDING", "RUNNING"} {
		caller := core.Caller{Workspace: who.Workspace, ClientVersion: version}
		_, _, err := h.SetFlowRunState(h.t.Context(), caller, run, read[api.SetFlowRunStateRequest](h.t, `{"state":{"type":"`+state+`"}}`))
		h.ok(err)
	}
	return run
}

// holds compares the slots that are taken, and those that leases hold, with want.
func (h *house) holds(when string, want map[string]int) {
	h.t.Helper()
	for name, n := range want {
		held := 0
		for _, l := range must[[]api.LimitHolder](h.t)(h.LimitHolders(h.t.Context(), who, core.ByName(name))) {
			held += l.Slots
		}
		if taken := h.taken(name); taken != n || held != n {
			h.t.Errorf("%s: of %s %d slots are taken and leases hold %d, want %d", when, name, taken, held, n)
		}
	}
}

// waiter wants a slot again and again, as the SDK does: it asks, and when there is none it
// asks again after the time that the server names.
type waiter struct {
	next  time.Time // when it does something
	since time.Time // when it began to wait
	lease uuid.UUID // the slot it has, zero for none
	held  int       // how often it had one
}

// TestNobodyStarvesForASlot lets twenty clients wait for two slots.
func TestNobodyStarvesForASlot(t *testing.T) {
	inHouses(t, func(h *house) {
		const slots, holders, each, holding = 2, 20, 3, 10 * time.Second
		must[*api.ConcurrencyLimitV2](t)(h.CreateConcurrencyLimit(t.Context(), who, &api.ConcurrencyLimitV2Create{Name: "db", Limit: slots}))
		began := h.clock()
		waiters := make([]waiter, holders)
		for i := range waiters {
			waiters[i] = waiter{next: began, since: began}
		}
		longest := time.Duration(0)
		for {
			w := &waiters[0]
			for i := range waiters {
				if waiters[i].held < each && (w.held == each || waiters[i].next.Before(w.next)) {
					w = &waiters[i]
				}
			}
			if w.held == each {
				break
			}
			h.pass(max(0, w.next.Sub(h.clock())))
			longest = max(longest, h.goesOn(w, holding))
		}
		ideal := time.Duration(holders*each/slots) * holding
		took := h.clock().Sub(began)
		t.Logf("%s for what takes %s at least; nobody waited longer than %s", took, ideal, longest)
		if took > 3*ideal || longest > 2*ideal {
			t.Errorf("it took %s, and one waited %s; the ideal is %s for all", took, longest, ideal)
		}
	})
}

// goesOn lets a waiter do what it does next and returns how long it waited for its slot.
func (h *house) goesOn(w *waiter, holding time.Duration) (waited time.Duration) {
	h.t.Helper()
	if w.lease != uuid.Nil {
		h.ok(h.ReleaseLease(h.t.Context(), who, w.lease))
		now := h.clock()
		*w = waiter{held: w.held + 1, since: now, next: now.Add(time.Second)}
		return 0
	}
	_, lease, err := h.AcquireSlots(h.t.Context(), who, &core.Slots{Names: []string{"db"}, Slots: 1, Lease: &core.LeaseTerms{Duration: time.Minute}})
	var full *core.Full
	now := h.clock()
	switch {
	case errors.As(err, &full):
		w.next = now.Add(full.After)
		return 0
	case err != nil:
		h.t.Fatal(err)
	}
	w.lease, w.next = lease, now.Add(holding)
	return now.Sub(w.since)
}

package core_test

import (
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

// taken is how many slots of a limit are held.
func (h *house) taken(name string) int {
	h.t.Helper()
	return must[*api.GlobalConcurrencyLimitResponse](h.t)(h.ConcurrencyLimit(h.t.Context(), who, core.ByName(name))).ActiveSlots
}

func TestLeasesThatAreNotRenewedEnd(t *testing.T) {
	inHouses(t, func(h *house) {
		ctx, opened := h.t.Context(), h.clock()
		must[*api.ConcurrencyLimitV2](h.t)(h.CreateConcurrencyLimit(ctx, who, &api.ConcurrencyLimitV2Create{Name: "db", Limit: 3}))
		ask := func() *core.Slots {
			return &core.Slots{Names: []string{"db"}, Slots: 1, Lease: &core.LeaseTerms{Duration: time.Minute}}
		}
		_, kept, err := h.AcquireSlots(ctx, who, ask())
		h.ok(err)
		_, _, err = h.AcquireSlots(ctx, who, ask())
		h.ok(err)
		h.pass(50 * time.Second)
		h.ok(h.RenewLease(ctx, who, kept, time.Minute))
		next := must[*api.Time](h.t)(h.ReapLeases(ctx, opened))
		if next == nil || h.taken("db") != 2 {
			t.Fatalf("before any lease is over %d slots are held, the next turn is at %v", h.taken("db"), next)
		}
		h.pass(11 * time.Second)
		must[*api.Time](h.t)(h.ReapLeases(ctx, opened))
		if got := h.taken("db"); got != 1 {
			t.Errorf("%d slots are held after one lease is over", got)
		}
		h.pass(time.Minute)
		if next := must[*api.Time](h.t)(h.ReapLeases(ctx, opened)); next != nil || h.taken("db") != 0 {
			t.Errorf("%d slots are held after both are over, the next turn is at %v", h.taken("db"), next)
		}
		if err := h.RenewLease(ctx, who, kept, time.Minute); api.CodeOf(err) != api.CodeNotFound {
			t.Errorf("a lease that is over is renewed with %v", err)
		}
	})
}

// A server that was away, or whose machine slept, gives the holders the time again that
// they had for renewing. In the reference every lease ends with the server.
func TestALeaseDoesNotEndWhileNobodyCanRenewIt(t *testing.T) {
	inHouses(t, func(h *house) {
		ctx := h.t.Context()
		must[*api.ConcurrencyLimitV2](h.t)(h.CreateConcurrencyLimit(ctx, who, &api.ConcurrencyLimitV2Create{Name: "db", Limit: 300}))
		ask := &core.Slots{Names: []string{"db"}, Slots: 1, Lease: &core.LeaseTerms{Duration: 5 * time.Minute}}
		_, renewed, err := h.AcquireSlots(ctx, who, ask)
		h.ok(err)
		const dead = 250
		for range dead {
			_, _, err := h.AcquireSlots(ctx, who, ask)
			h.ok(err)
		}
		h.pass(time.Hour)
		back := h.clock()
		reap := func() *api.Time { return must[*api.Time](h.t)(h.ReapLeases(ctx, back)) }
		if next := reap(); next != nil || h.taken("db") != 1+dead {
			t.Fatalf("after an hour in which no server ran %d slots are held, the next turn is at %v", h.taken("db"), next)
		}
		h.pass(4 * time.Minute)
		h.ok(h.RenewLease(ctx, who, renewed, 5*time.Minute))
		h.pass(2 * time.Minute)
		if next := reap(); next == nil || h.taken("db") != 1 {
			t.Errorf("after the time for renewing %d slots are held, the next turn is at %v", h.taken("db"), next)
		}
	})
}

// Between the listing of expired leases and their end there is time to renew them.
func TestALeaseThatIsRenewedAtTheLastMomentIsNotReaped(t *testing.T) {
	inHouses(t, func(h *house) {
		ctx := h.t.Context()
		must[*api.ConcurrencyLimitV2](h.t)(h.CreateConcurrencyLimit(ctx, who, &api.ConcurrencyLimitV2Create{Name: "db", Limit: 3}))
		_, lease, err := h.AcquireSlots(ctx, who, &core.Slots{Names: []string{"db"}, Slots: 2, Lease: &core.LeaseTerms{Duration: time.Minute}})
		h.ok(err)
		h.pass(2 * time.Minute)
		reap := func() {
			h.ok(h.Store.Write(ctx, who.Workspace, func(tx *store.Tx) error { return tx.ReapLease(lease, api.At(h.clock())) }))
		}
		h.ok(h.RenewLease(ctx, who, lease, time.Minute))
		reap()
		if got := h.taken("db"); got != 2 {
			t.Errorf("%d slots are held under a lease that was renewed", got)
		}
		h.pass(2 * time.Minute)
		reap()
		if got := h.taken("db"); got != 0 {
			t.Errorf("%d slots are held under a lease that is over", got)
		}
	})
}

func TestATaskThatIsNeverConfirmedIsHandedOutAgain(t *testing.T) {
	inHouses(t, func(h *house) {
		ctx, keys := h.t.Context(), []string{"k"}
		in := read[api.TaskRunCreate](h.t, `{"task_key":"k","dynamic_key":"1","state":{"type":"SCHEDULED","state_details":{"deferred":true}}}`)
		made, _, err := h.CreateTaskRun(ctx, who, in)
		h.ok(err)
		claim := func() *api.TaskRun { return must[*api.TaskRun](h.t)(h.ClaimTask(ctx, who, keys)) }
		if got := claim(); got == nil || got.ID != made.ID {
			t.Fatalf("handed out is %+v", got)
		}
		if got := claim(); got != nil {
			t.Error("a run is handed out twice")
		}
		h.pass(core.TaskClaim + time.Second)
		if got := claim(); got == nil {
			t.Error("a run that nobody confirmed is lost")
		}
		h.ok(must[*core.TaskWorker](h.t)(h.MeetTaskWorker(ctx, who, "w", keys)).Confirm(ctx, made.ID))
		h.pass(core.TaskClaim + time.Second)
		if got := claim(); got != nil {
			t.Error("a run that was confirmed is handed out again")
		}
	})
}

func TestAutomationsOfADeploymentGoWithIt(t *testing.T) {
	inHouses(t, func(h *house) {
		ctx := h.t.Context()
		d := h.deployment("d", "")
		for _, owner := range []string{`"prefect.deployment.` + d.ID.String() + `"`, "null"} {
			body := `{"name":"a","owner_resource":` + owner + `,"trigger":{"type":"event","posture":"Reactive"},"actions":[{"type":"run-deployment","deployment_id":"` + d.ID.String() + `"}]}`
			must[*api.Automation](h.t)(h.CreateAutomation(ctx, who, read[api.AutomationCreate](h.t, body), []byte(body)))
		}
		related := must[[]api.Automation](h.t)(h.AutomationsRelatedTo(ctx, who, "prefect.deployment."+d.ID.String()))
		h.ok(h.DeleteDeployment(ctx, who, d.ID))
		if left := must[int](h.t)(h.CountAutomations(ctx, who)); len(related) != 2 || left != 1 {
			t.Errorf("%d automations are related, %d are left", len(related), left)
		}
	})
}

package core_test

import (
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
)

func TestHigherQueuesAndEarlierRunsComeFirst(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process"}`)
		low := h.deployment("low", `"work_pool_name":"p"`)
		for _, queue := range []string{`{"name":"high","priority":1}`, `{"name":"lowest","priority":9}`} {
			_, err := h.CreateWorkQueue(h.t.Context(), who, "p", read[api.WorkQueueCreate](h.t, queue))
			h.ok(err)
		}
		high := h.deployment("high", `"work_pool_name":"p","work_queue_name":"high"`)
		lowest := h.deployment("lowest", `"work_pool_name":"p","work_queue_name":"lowest"`)
		h.run(lowest, `{"name":"lowest"}`)
		h.run(low, `{"name":"low"}`)
		h.run(high, `{"name":"second","state":{"type":"SCHEDULED","state_details":{"scheduled_time":"2026-03-02T11:00:00Z"}}}`)
		h.run(high, `{"name":"first","state":{"type":"SCHEDULED","state_details":{"scheduled_time":"2026-03-02T10:00:00Z"}}}`)
		h.run(high, `{"name":"future","state":{"type":"SCHEDULED","state_details":{"scheduled_time":"2026-03-02T13:00:00Z"}}}`)
		h.equal("all", h.due(`{"scheduled_before":"2026-03-02T12:00:00Z"}`), []string{"first", "second", "low", "lowest"})
		h.equal("without an end", h.due(`{"limit":3}`), []string{"first", "second", "future"})
		h.equal("from a time on", h.due(`{"scheduled_after":"2026-03-02T10:30:00Z","scheduled_before":"2026-03-02T11:30:00Z"}`), []string{"second"})
		h.equal("by name", h.due(`{"work_queue_names":["lowest","default"]}`), []string{"low", "lowest"})
		h.ok(h.UpdatePoolQueue(h.t.Context(), who, "p", "high", read[api.WorkQueueUpdate](h.t, `{"is_paused":true}`)))
		h.equal("a paused queue", h.due(`{}`), []string{"low", "lowest"})
		h.ok(h.UpdateWorkPool(h.t.Context(), who, "p", read[api.WorkPoolUpdate](h.t, `{"is_paused":true}`)))
		h.equal("a paused pool", h.due(`{}`), []string{})
	})
}

func TestLimitsOfPoolAndQueueHold(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process","concurrency_limit":3}`)
		_, err := h.CreateWorkQueue(h.t.Context(), who, "p", read[api.WorkQueueCreate](h.t, `{"name":"q","priority":1,"concurrency_limit":1}`))
		h.ok(err)
		inQueue, rest := h.deployment("q", `"work_pool_name":"p","work_queue_name":"q"`), h.deployment("d", `"work_pool_name":"p"`)
		first := h.run(inQueue, `{"name":"q1"}`)
		h.pass(time.Second)
		h.run(inQueue, `{"name":"q2"}`)
		for _, name := range []string{"d1", "d2", "d3"} {
			h.pass(time.Second)
			h.run(rest, `{"name":"`+name+`"}`)
		}
		h.equal("free", h.due(`{}`), []string{"q1", "d1", "d2"})
		h.set(first.ID, `{"type":"PENDING"}`)
		h.equal("one slot of the queue and the pool is held", h.due(`{}`), []string{"d1", "d2"})
		h.set(first.ID, `{"type":"RUNNING"}`)
		h.equal("still", h.due(`{}`), []string{"d1", "d2"})
		h.set(first.ID, `{"type":"COMPLETED"}`)
		h.equal("free again", h.due(`{}`), []string{"q2", "d1", "d2"})
		h.ok(h.UpdateWorkPool(h.t.Context(), who, "p", read[api.WorkPoolUpdate](h.t, `{"concurrency_limit":0}`)))
		h.equal("no slot at all", h.due(`{}`), []string{})
	})
}

func TestARunIsClaimedOnce(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process"}`)
		run := h.run(h.deployment("d", `"work_pool_name":"p"`), `{"name":"r"}`)
		h.equal("two workers", append(h.due(`{}`), h.due(`{}`)...), []string{"r", "r"})
		if got := h.set(run.ID, `{"type":"PENDING"}`); got != api.SetStateStatusAccept {
			t.Errorf("the first worker: %s", got)
		}
		if got := h.set(run.ID, `{"type":"PENDING"}`); got == api.SetStateStatusAccept {
			t.Errorf("the second worker: %s", got)
		}
		h.equal("nothing is left", h.due(`{}`), []string{})
	})
}

func TestRetriesOfTheRunningProcessAreNotHandedOut(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process"}`)
		d := h.deployment("d", `"work_pool_name":"p"`)
		h.run(d, `{"name":"inside","empirical_policy":{"retry_type":"in_process"}}`)
		h.run(d, `{"name":"outside","empirical_policy":{"retry_type":"reschedule"}}`)
		h.equal("due", h.due(`{}`), []string{"outside"})
	})
}

func TestPollsMakeReady(t *testing.T) {
	inHouses(t, func(h *house) {
		h.pool(`{"name":"p","type":"process"}`)
		d := h.deployment("d", `"work_pool_name":"p"`)
		h.due(`{}`)
		h.due(`{}`)
		h.equal("queue events", h.events("prefect.work-queue."), []string{"created", "ready"})
		h.equal("deployment events", h.events("prefect.deployment."), []string{"created", "ready"})
		d = must[*api.DeploymentResponse](h.t)(h.Deployment(h.t.Context(), who, d.ID))
		if *d.Status != api.DeploymentStatusReady || d.LastPolled == nil || h.clock().Sub(d.LastPolled.Time) > time.Second {
			t.Errorf("the deployment is %s, polled %v", *d.Status, d.LastPolled)
		}
		h.pass(61 * time.Second)
		h.ok(h.CheckPresence(h.t.Context(), who))
		h.equal("queue events", h.events("prefect.work-queue."), []string{"created", "ready", "not-ready"})
		h.equal("deployment events", h.events("prefect.deployment."), []string{"created", "ready", "not-ready"})
		after := must[*api.DeploymentResponse](h.t)(h.Deployment(h.t.Context(), who, d.ID))
		if !after.Updated.Equal(d.Updated.Time) {
			t.Error("a status changes when the deployment was updated")
		}
	})
}

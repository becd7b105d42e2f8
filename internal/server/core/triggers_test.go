package core_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/testkit"
)

// automation makes an automation of a trigger, with members of its own, and actions.
func (h *house) automation(name, trigger, more string) *api.Automation {
	h.t.Helper()
	if more == "" {
		more = `"actions":[{"type":"do-nothing"}]`
	}
	body := `{"name":"` + name + `","trigger":` + trigger + `,` + more + `}`
	return must[*api.Automation](h.t)(h.CreateAutomation(h.t.Context(), who, read[api.AutomationCreate](h.t, body), []byte(body)))
}

// happens stores an event that a client sends.
func (h *house) happens(name, resource, more string) uuid.UUID {
	h.t.Helper()
	id := uuid.Must(uuid.NewV7())
	if more != "" {
		more = "," + more
	}
	occurred := ""
	if !strings.Contains(more, `"occurred"`) {
		at, err := api.At(h.clock()).MarshalText()
		h.ok(err)
		occurred = `"occurred":"` + string(at) + `",`
	}
	if !strings.Contains(more, `"id"`) {
		occurred += `"id":"` + id.String() + `",`
	}
	e, err := core.ReadEvent([]byte(`{` + occurred + `"event":"` + name + `","resource":{"prefect.resource.id":"` + resource + `"}` + more + `}`))
	h.ok(err)
	h.ok(h.Ingest(h.t.Context(), who, []api.ReceivedEvent{e}))
	return e.ID
}

// evaluate lets evaluators see everything that has happened. On PostgreSQL events are read
// once no older transaction runs, which can be one of another test.
func (h *house) evaluate(evaluators ...*core.Triggers) {
	h.t.Helper()
	testkit.Eventually(h.t, time.Minute, func() error {
		var all, readable int
		err := h.Store.Read(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
			if err := tx.QueryRow("select count(*) from event", nil, &all); err != nil {
				return err
			}
			return tx.QueryRow("select count(*) from event where "+tx.D().Behind("event"), []any{0, 0}, &readable)
		})
		if err == nil && readable < all {
			err = fmt.Errorf("%d of %d events can be read", readable, all)
		}
		return err
	})
	for _, one := range evaluators {
		for more := true; more; {
			more = must[bool](h.t)(one.Advance(h.t.Context()))
		}
		must[*api.Time](h.t)(one.Turn(h.t.Context()))
	}
}

// act does the actions that wait.
func (h *house) act() {
	h.t.Helper()
	for {
		taken, _, err := h.TakeActions(h.t.Context(), who)
		h.ok(err)
		for i := range taken {
			h.ok(h.Perform(h.t.Context(), who, &taken[i]))
		}
		if len(taken) == 0 {
			return
		}
	}
}

// outcomes are what became of actions and automations, in order.
func (h *house) outcomes() []string { return h.events("prefect.automation.") }

func (h *house) started() *core.Triggers {
	h.t.Helper()
	t := core.NewTriggers(h.Core, who)
	h.evaluate(t)
	return t
}

const onX = `{"type":"event","posture":"Reactive","expect":["x"]}`

func TestAnEventStartsARun(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		triggers := h.started()
		a := h.automation("a", `{"type":"event","posture":"Reactive","expect":["x"],"match":{"prefect.resource.id":"r.*"}}`,
			`"actions":[{"type":"run-deployment","deployment_id":"`+d.ID.String()+`"}]`)
		h.happens("x", "other", "")
		h.happens("y", "r.1", "")
		h.happens("x", "r.1", "")
		h.evaluate(triggers)
		h.act()
		runs := h.runsOf(d)
		if len(runs) != 1 || runs[0].CreatedBy == nil || *runs[0].CreatedBy.ID != a.ID {
			h.t.Fatalf("got %d runs, want one of the automation: %+v", len(runs), runs)
		}
		h.equal("what happened", h.outcomes(), []string{"created", "triggered", "action.triggered", "action.executed"})
	})
}

// failures are the reasons why actions failed.
func (h *house) failures() (reasons []string) {
	h.t.Helper()
	h.ok(h.Store.Read(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		return tx.Query("select payload from event where event = 'prefect.automation.action.failed' order by seq", nil, func(row *store.Row) error {
			var payload jsontext.Value
			err := row.Scan(&payload)
			reasons = append(reasons, string(payload))
			return err
		})
	}))
	return reasons
}

func TestParametersAreRendered(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		triggers := h.started()
		h.automation("a", `{"type":"event","posture":"Reactive","expect":["x"],"for_each":["prefect.resource.id"]}`,
			`"actions":[{"type":"run-deployment","deployment_id":"`+d.ID.String()+`","parameters":{
				"count":"{{ event.payload.n }}","text":"{{ event.resource.id }} by {{ automation.name }}",
				"label":"of {{ labels.prefect.resource.id }}","when":"{{ event.occurred.year }}","nothing":"no {{ flow_run.name }}",
				"list":["{{ event.related[0].role }}",{"deep":"{{ event.resource_in_role.owner.name }}"}],
				"value":{"__prefect_kind":"json","value":"[1]"}}},
				{"type":"run-deployment","deployment_id":"`+d.ID.String()+`","parameters":{"x":"{{ 1/0 }}"}}]`)
		h.happens("x", "r.1", `"payload":{"n":3},"related":[{"prefect.resource.id":"o.1","prefect.resource.role":"owner","prefect.resource.name":"Ada"}]`)
		h.evaluate(triggers)
		h.act()
		runs := h.runsOf(d)
		if len(runs) != 1 {
			h.t.Fatalf("%d runs; %q", len(runs), h.failures())
		}
		want := `{"count":3,"text":"r.1 by a","label":"of r.1","when":2026,"nothing":"no ","list":["owner",{"deep":"Ada"}],"value":[1]}`
		if got := string(runs[0].Parameters); got != want {
			h.t.Errorf("the parameters are\n%s, want\n%s", got, want)
		}
		if got := count(h.outcomes(), "action.failed"); got != 1 {
			h.t.Errorf("%d actions failed, want one", got)
		}
	})
}

func TestWindowsOutliveAServer(t *testing.T) {
	inHouses(t, func(h *house) {
		h.started()
		h.automation("a", `{"type":"event","posture":"Reactive","expect":["x"],"threshold":3,"within":60}`, "")
		h.automation("b", `{"type":"sequence","within":60,"triggers":[`+onX+`,{"type":"event","posture":"Reactive","expect":["y"]}]}`, "")
		for range 3 {
			h.happens("x", "r", "")
			h.evaluate(core.NewTriggers(h.Core, who))
		}
		h.equal("after x", h.outcomes(), []string{"created", "created", "triggered"})
		h.happens("y", "r", "")
		h.evaluate(core.NewTriggers(h.Core, who))
		h.equal("after y", h.outcomes(), []string{"created", "created", "triggered", "triggered"})
	})
}

func TestServersFireOnceTogether(t *testing.T) {
	inHouses(t, func(h *house) {
		h.started()
		h.automation("each", `{"type":"event","posture":"Reactive","expect":["x"],"for_each":["prefect.resource.id"]}`, "")
		h.automation("all", `{"type":"event","posture":"Reactive","expect":["x"],"threshold":50,"within":600}`, "")
		servers := []*core.Triggers{core.NewTriggers(h.Core, who), core.NewTriggers(h.Core, who), core.NewTriggers(h.Core, who)}
		for i := range 50 {
			h.happens("x", fmt.Sprint("r.", i%7), "")
		}
		var group sync.WaitGroup
		for _, s := range servers {
			group.Go(func() { h.evaluate(s) })
		}
		group.Wait()
		if got := count(h.outcomes(), "triggered"); got != 51 {
			h.t.Errorf("%d firings, want 51", got)
		}
		for range servers {
			group.Go(h.act)
		}
		group.Wait()
		if got := count(h.outcomes(), "action.executed"); got != 51 {
			h.t.Errorf("%d actions, want 51", got)
		}
	})
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

func TestAbsenceIsNoticedOnTime(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		h.automation("a", `{"type":"event","posture":"Proactive","after":["start"],"expect":["end"],"for_each":["prefect.resource.id"],"within":30}`,
			`"actions":[{"type":"cancel-flow-run"}]`)
		run := h.run(h.deployment("d", ""), `{}`)
		stays := "prefect.flow-run." + run.ID.String()
		h.happens("start", stays, "")
		h.happens("start", "r.2", "")
		h.happens("end", "r.2", "")
		h.pass(29 * time.Second)
		h.evaluate(triggers)
		h.equal("before the end", h.outcomes(), []string{"created"})
		h.pass(2 * time.Second)
		next := must[*api.Time](h.t)(core.NewTriggers(h.Core, who).Turn(h.t.Context()))
		if next != nil {
			h.t.Errorf("an evaluator that has read nothing has a turn at %s", next)
		}
		h.evaluate(core.NewTriggers(h.Core, who), triggers)
		h.act()
		h.equal("after the end", h.outcomes(), []string{"created", "triggered", "action.triggered", "action.failed"})
		if got := *h.read(run.ID).StateType; got != api.StateTypeCancelled {
			h.t.Errorf("the run is %s; it is cancelled instead of cancelling, which the action takes for a failure", got)
		}
		h.pass(time.Hour)
		h.evaluate(triggers)
		if got := count(h.outcomes(), "triggered"); got != 1 {
			h.t.Errorf("it fired %d times", got)
		}
	})
}

func TestEventsWaitForTheOnesTheyFollow(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		h.automation("a", `{"type":"event","posture":"Reactive","after":["1"],"expect":["3"],"within":60}`, "")
		ids := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
		send := func(n int, follows string) {
			h.happens(fmt.Sprint(n), "r", `"id":"`+ids[n-1]+`"`+follows+`,"occurred":"2026-03-02T11:59:0`+fmt.Sprint(n)+`Z"`)
			h.evaluate(triggers)
		}
		send(3, `,"follows":"`+ids[1]+`"`)
		send(2, `,"follows":"`+ids[0]+`"`)
		h.equal("before the first", h.outcomes(), []string{"created"})
		send(1, "")
		h.equal("after the first", h.outcomes(), []string{"created", "triggered"})

		h.automation("b", `{"type":"event","posture":"Reactive","expect":["lost"]}`, "")
		h.happens("lost", "r", `"follows":"`+uuid.NewString()+`"`)
		h.evaluate(triggers)
		h.equal("with a leader that never comes", h.outcomes(), []string{"created", "triggered", "created"})
		h.pass(16 * time.Minute)
		for range 2 {
			h.ok(triggers.Tidy(h.t.Context()))
		}
		h.equal("after a quarter of an hour", h.outcomes(), []string{"created", "triggered", "created", "triggered"})
	})
}

func TestChangesOfAutomationsCount(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		a := h.automation("a", `{"type":"event","posture":"Reactive","expect":["x"],"threshold":2,"within":60}`, "")
		h.happens("x", "r", "")
		h.evaluate(triggers)
		h.ok(h.EnableAutomation(h.t.Context(), who, a.ID, &api.AutomationPartialUpdate{Enabled: api.Some(false)}))
		h.happens("x", "r", "")
		h.evaluate(triggers)
		h.equal("switched off", h.outcomes(), []string{"created", "updated"})
		h.ok(h.EnableAutomation(h.t.Context(), who, a.ID, &api.AutomationPartialUpdate{Enabled: api.Some(true)}))
		h.happens("x", "r", "")
		h.evaluate(triggers)
		h.equal("switched on", h.outcomes(), []string{"created", "updated", "updated", "triggered"})
		h.happens("x", "r", "")
		h.happens("x", "r", "")
		h.ok(h.DeleteAutomation(h.t.Context(), who, a.ID))
		h.evaluate(triggers)
		if got := h.outcomes(); !slices.Contains(got, "deleted") || count(got, "triggered") != 1 {
			h.t.Errorf("after it was deleted: %q", got)
		}
	})
}

func TestNoEventStopsTheOthers(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		h.automation("everything", `{"type":"event","posture":"Reactive","match":{"prefect.resource.id":["r","prefect.*"]},"for_each":["related:x:long"]}`, "")
		h.evaluate(triggers)
		before := count(h.outcomes(), "triggered")
		long := strings.Repeat("long ", 4000)
		h.happens("x", "r", `"related":[{"prefect.resource.id":"`+long+`","prefect.resource.role":"x","long":"`+long+`"}]`)
		follower := uuid.NewString()
		h.happens("self", "r", `"id":"`+follower+`","follows":"`+follower+`"`)
		for range 450 {
			h.happens("x", "r", "")
		}
		h.evaluate(triggers)
		h.act()
		h.evaluate(triggers)
		if got := count(h.outcomes(), "triggered") - before; got != 452 {
			h.t.Errorf("it fired %d times for 452 events", got)
		}
	})
}

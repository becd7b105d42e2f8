package core_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

// agree applies agreements to a deployment.
func (h *house) agree(d *api.DeploymentResponse, list ...string) *core.SLAChanges {
	h.t.Helper()
	raw := make([]jsontext.Value, len(list))
	for i, one := range list {
		raw[i] = jsontext.Value(one)
	}
	return must[*core.SLAChanges](h.t)(h.ApplySLAs(h.t.Context(), who, "prefect.deployment."+d.ID.String(), nil, raw))
}

// violations lists the agreements that were not kept, by name and severity.
func (h *house) violations() (list []string) {
	h.t.Helper()
	h.ok(h.Store.Read(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		return tx.Query("select payload, resource from event where event = 'prefect.sla.violation' order by seq", nil, func(row *store.Row) error {
			var payload, resource jsontext.Value
			err := row.Scan(&payload, &resource)
			named := read[struct {
				Name string `json:"sla_name"`
			}](h.t, string(payload))
			labels := *read[map[string]string](h.t, string(resource))
			kind, _, _ := strings.Cut(strings.TrimPrefix(labels["prefect.resource.id"], "prefect."), ".")
			list = append(list, fmt.Sprintf("%s %s %s", named.Name, labels["prefect.sla.severity"], kind))
			return err
		})
	}))
	return list
}

func same[T comparable](h *house, what string, got, want T) {
	h.t.Helper()
	if got != want {
		h.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (h *house) wait(triggers *core.Triggers, d time.Duration) {
	h.t.Helper()
	h.pass(d)
	h.evaluate(triggers)
	h.act()
}

func TestARunThatTakesTooLongViolatesItsAgreement(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		d, other := h.deployment("d", ""), h.deployment("other", "")
		h.agree(d, `{"name":"quick","severity":"critical","duration":5}`)
		run := func(d *api.DeploymentResponse) *api.FlowRunResponse {
			r := h.run(d, `{}`)
			h.set(r.ID, `{"type":"PENDING"}`)
			h.set(r.ID, `{"type":"RUNNING"}`)
			return r
		}
		slow, quick, renamed := run(d), run(d), run(d)
		run(other)
		h.evaluate(triggers)
		h.pass(2 * time.Second)
		h.set(quick.ID, `{"type":"COMPLETED"}`)
		h.set(renamed.ID, `{"type":"COMPLETED","name":"Skipped"}`)
		h.evaluate(triggers)
		h.act()
		same(h, "violations before the time", len(h.violations()), 0)
		h.wait(triggers, 5*time.Second)
		h.equal("violations", h.violations(), []string{"quick critical flow-run"})
		h.wait(triggers, time.Hour)
		h.equal("violations later", h.violations(), []string{"quick critical flow-run"})
		of := h.agree(d, `{"name":"quick","severity":"critical","duration":5}`).Updated
		since := api.At(h.clock().Add(-24 * time.Hour))
		runs := must[[]string](t)(h.RunsInViolation(t.Context(), who, []uuid.UUID{of[0].ID}, since))
		h.equal("runs in violation", runs, []string{slow.ID.String()})
	})
}

// A bound below what makes runs late: a run may begin behind it without ever being late.
func TestARunThatStartsTooLateBeforeItIsLate(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		d := h.deployment("d", "")
		h.agree(d, `{"name":"prompt","within":5}`)
		fine, begun, stuck, never := h.run(d, `{}`), h.run(d, `{}`), h.run(d, `{}`), h.run(d, `{}`)
		h.set(stuck.ID, `{"type":"PENDING"}`)
		h.wait(triggers, 2*time.Second)
		h.set(fine.ID, `{"type":"RUNNING"}`)
		h.wait(triggers, time.Second)
		same(h, "violations before the time", len(h.violations()), 0)
		h.wait(triggers, 5*time.Second) // the stuck one
		h.equal("violations of who waits", h.violations(), []string{"prompt high flow-run"})
		h.set(begun.ID, `{"type":"PENDING"}`)
		h.set(begun.ID, `{"type":"RUNNING"}`)
		h.wait(triggers, time.Second)
		same(h, "violations of who began", len(h.violations()), 2)
		h.pass(10 * time.Second)
		h.ok(h.MarkLateRuns(t.Context(), who))
		h.wait(triggers, time.Second)
		same(h, "violations in the end", len(h.violations()), 3)
		h.set(never.ID, `{"type":"RUNNING"}`)
		h.set(stuck.ID, `{"type":"RUNNING"}`)
		h.wait(triggers, time.Hour)
		same(h, "violations later", len(h.violations()), 3)
	})
}

func TestARunThatStartsTooLateViolatesItsAgreement(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		d := h.deployment("d", "")
		h.agree(d, `{"name":"prompt","within":60}`)
		late, stuck, fine := h.run(d, `{}`), h.run(d, `{}`), h.run(d, `{}`)
		h.set(stuck.ID, `{"type":"PENDING"}`)
		h.set(fine.ID, `{"type":"PENDING"}`)
		h.wait(triggers, 20*time.Second)
		h.ok(h.MarkLateRuns(t.Context(), who))
		h.set(fine.ID, `{"type":"RUNNING"}`)
		h.wait(triggers, 30*time.Second) // the first look at the stuck run comes too early
		same(h, "violations before the time", len(h.violations()), 0)
		h.wait(triggers, 20*time.Second)
		h.equal("violations", h.violations(), []string{"prompt high flow-run", "prompt high flow-run"})
		h.set(late.ID, `{"type":"PENDING"}`)
		h.wait(triggers, time.Hour)
		same(h, "violations later", len(h.violations()), 2)
	})
}

func TestRunsThatStayAwayViolateAgreements(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		d := h.deployment("d", "")
		h.agree(d, `{"name":"often","stale_after":3600,"severity":"low"}`)
		complete := func() {
			r := h.run(d, `{}`)
			h.set(r.ID, `{"type":"PENDING"}`)
			h.set(r.ID, `{"type":"RUNNING"}`)
			h.set(r.ID, `{"type":"COMPLETED","name":"Cached"}`)
		}
		for range 3 {
			complete()
			h.wait(triggers, 50*time.Minute)
		}
		same(h, "violations of who comes often enough", len(h.violations()), 0)
		h.wait(triggers, 50*time.Minute)
		h.wait(triggers, 5*time.Hour)
		h.equal("violations", h.violations(), []string{"often low flow-run"})
		complete()
		h.wait(triggers, time.Minute)
		h.wait(triggers, 2*time.Hour)
		same(h, "violations", len(h.violations()), 2)
	})
}

func TestAnEventThatStaysAwayViolatesAnAgreement(t *testing.T) {
	inHouses(t, func(h *house) {
		triggers := h.started()
		d := h.deployment("d", "")
		h.agree(d, `{"name":"fresh","within":600,"resource_match":{"prefect.resource.id":"table.*"},"expected_event":"table.loaded"}`)
		h.evaluate(triggers)
		h.pass(9 * time.Minute)
		h.happens("table.loaded", "table.1", "")
		h.wait(triggers, 2*time.Minute)
		same(h, "violations while it comes", len(h.violations()), 0)
		h.wait(triggers, 20*time.Minute)
		same(h, "violations", h.violations()[0], "fresh high deployment")
	})
}

func TestAgreementsAreAppliedByName(t *testing.T) {
	inHouses(t, func(h *house) {
		d := h.deployment("d", "")
		names := func(list []api.ServiceLevelAgreement) (out []string) {
			for _, s := range list {
				out = append(out, s.Name)
			}
			return out
		}
		first := h.agree(d, `{"name":"a","duration":60}`, `{"name":"b","within":60}`, `{"name":"c","stale_after":60}`)
		h.equal("created", names(first.Created), []string{"a", "b", "c"})
		same(h, "the time of b", string(first.Created[1].Labels), `{"prefect.sla.seconds":60.0}`)
		second := h.agree(d, `{"name":"a","duration":60,"severity":"minor","enabled":false}`, `{"name":"b","within":90}`, `{"name":"d","duration":5}`)
		h.equal("created", names(second.Created), []string{"d"})
		h.equal("updated", names(second.Updated), []string{"a", "b"})
		h.equal("deleted", names(second.Deleted), []string{"c"})
		if a := second.Updated[0]; a.ID != first.Created[0].ID || a.Enabled || a.Severity != "minor" {
			t.Errorf("the agreement became %+v", a)
		}
		same(h, "the trigger that waits for the same", string(second.Updated[0].Trigger), string(first.Created[0].Trigger))
		h.ok(h.DeleteAutomationsOwnedBy(t.Context(), who, "prefect.deployment."+d.ID.String()))
		same(h, "left when triggers are replaced", len(h.agreements()), 3)
		same(h, "automations", must[int](t)(h.CountAutomations(t.Context(), who)), 0)
		_, err := h.ApplySLAs(t.Context(), who, "prefect.deployment."+d.ID.String(), nil, []jsontext.Value{
			jsontext.Value(`{"name":"x","duration":60}`), jsontext.Value(`{"name":"x","within":60}`), jsontext.Value(`{"name":"y"}`), jsontext.Value(`{"name":"z","within":0}`),
		})
		same(h, "problems", len(api.ViolationsOf(err)), 3)
		same(h, "left after a refused list", len(h.agreements()), 3)
		h.ok(h.DeleteDeployment(t.Context(), who, d.ID))
		same(h, "left without the deployment", len(h.agreements()), 0)
	})
}

func (h *house) agreements() []api.ServiceLevelAgreement {
	h.t.Helper()
	return must[[]api.ServiceLevelAgreement](h.t)(h.SLAs(h.t.Context(), who, nil, nil, api.AutomationSortNameAsc, 100, 0))
}

func TestTwoServersTellOfAViolationOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		const runs = 20
		var triggers [2]*core.Triggers
		for i := range both {
			triggers[i] = core.NewTriggers(both[i], who)
			h.evaluate(triggers[i])
		}
		d := h.deployment("d", "")
		h.agree(d, `{"name":"quick","duration":5}`, `{"name":"prompt","within":20}`)
		for range runs {
			slow := h.run(d, `{}`).ID
			h.set(slow, `{"type":"PENDING"}`)
			h.set(slow, `{"type":"RUNNING"}`)
			h.run(d, `{}`)
		}
		h.pass(16 * time.Second)
		h.ok(h.MarkLateRuns(t.Context(), who))
		h.evaluate(triggers[0])
		h.pass(time.Minute)
		h.together(both, func(ctx context.Context, c *core.Core) error {
			mine := core.NewTriggers(c, who)
			for more := true; more; {
				var err error
				if more, err = mine.Advance(ctx); err != nil {
					return err
				}
			}
			if _, err := mine.Turn(ctx); err != nil {
				return err
			}
			taken, _, err := c.TakeActions(ctx, who)
			for i := 0; err == nil && i < len(taken); i++ {
				err = c.Perform(ctx, who, &taken[i])
			}
			return err
		})
		h.evaluate(triggers[1])
		h.act()
		if got := h.count("prefect.sla.")["violation"]; got != 2*runs {
			t.Errorf("%d violations were told, not %d", got, 2*runs)
		}
	})
}

package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/server/core"
)

const fewVolume = `{"type":"metric","match":{"prefect.resource.id":"prefect.flow-run.*"},"metric":{"name":"volume","operator":">=","threshold":2,"range":600,"firing_for":300}}`

// begin lets a run of a deployment begin.
func (h *house) begin(times int) {
	h.t.Helper()
	d := h.deployment("d", "")
	for range times {
		id := h.run(d, `{}`).ID
		h.set(id, `{"type":"PENDING"}`)
		h.set(id, `{"type":"RUNNING"}`)
	}
	h.evaluate()
	h.ok(h.Measure(h.t.Context(), who))
}

func TestAThresholdFiresOnceItWasBrokenForLongEnough(t *testing.T) {
	inHouses(t, func(h *house) {
		h.ok(h.Measure(t.Context(), who))
		triggers := h.started()
		h.automation("a", fewVolume, `"actions":[{"type":"do-nothing"}],"actions_on_trigger":[{"type":"do-nothing"}],"actions_on_resolve":[{"type":"do-nothing"}]`)
		h.wait(triggers, time.Minute)
		h.begin(3)
		step := func(n int) {
			for range n {
				h.wait(triggers, time.Minute)
			}
		}
		step(4)
		same(h, "firings too early", h.count("prefect.automation.")["triggered"], 0)
		step(3)
		same(h, "firings", h.count("prefect.automation.")["triggered"], 1)
		step(15)
		got := h.count("prefect.automation.")
		same(h, "firings", got["triggered"], 1)
		same(h, "resolved", got["resolved"], 1)
		same(h, "actions", got["action.executed"], 3)
		h.begin(2)
		step(8)
		same(h, "firings", h.count("prefect.automation.")["triggered"], 2)
	})
}

func TestTwoServersFireAThresholdOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		h.ok(h.Measure(t.Context(), who))
		h.automation("a", fewVolume, "")
		h.evaluate(core.NewTriggers(both[0], who))
		h.begin(3)
		for range 8 {
			h.pass(time.Minute)
			h.together(both, func(ctx context.Context, c *core.Core) error {
				mine := core.NewTriggers(c, who)
				for more := true; more; {
					var err error
					if more, err = mine.Advance(ctx); err != nil {
						return err
					}
				}
				_, err := mine.Turn(ctx)
				return err
			})
		}
		if got := h.count("prefect.automation.")["triggered"]; got != 1 {
			t.Errorf("it fired %d times", got)
		}
	})
}

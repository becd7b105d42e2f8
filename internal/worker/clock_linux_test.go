package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// clocked is a scene whose server and workers have a clock that can be set.
type clocked struct {
	*scene

	clock *testkit.Clock
}

func newClocked(t *testing.T) *clocked {
	t.Helper()
	clock := testkit.NewClock(t)
	c := &clocked{newScene(t, clock.Server("PREFECT_SERVER_METRICS_ENABLED=true")), clock}
	c.binary, c.env = clock.Binary, []string{clock.Env}
	return c
}

// turned waits until the service has had a whole turn by the clock as it is now.
func (c *clocked) turned(service string) {
	c.t.Helper()
	turns := func() string {
		for line := range strings.Lines(metricsOf(c.t, c.server)) {
			if strings.HasPrefix(line, `usher_service_turns_total{service="`+service+`"`) {
				return line
			}
		}
		return ""
	}
	for range 2 { // the first may have begun before
		before := turns()
		testkit.Eventually(c.t, patience, func() error {
			if turns() == before {
				return fmt.Errorf("the service %s has no turn", service)
			}
			return nil
		})
	}
}

// TestAClockThatJumpsStopsNoRun sets the clock of a server and its worker two hours ahead
// and three hours back while runs execute: these go on and keep their slot, what is due
// starts, and new runs start too.
func TestAClockThatJumpsStopsNoRun(t *testing.T) {
	t.Parallel()
	c := newClocked(t)
	c.worker("w")
	held, open := c.gated()
	must(t, func() error {
		return c.client.UpdateDeployment(t.Context(), held, &api.DeploymentUpdate{ConcurrencyLimit: api.Some(1)})
	})
	limit := jsontext.Value("deployment:" + held.String())
	holds := func(when string, want int) {
		t.Helper()
		l, err := c.client.ReadConcurrencyLimitV2(t.Context(), limit)
		holders, failed := c.client.ReadLimitHolders(t.Context(), limit)
		if err != nil || failed != nil || l.ActiveSlots != want || len(holders) != want {
			t.Errorf("%s %d slots are taken and %d runs hold one, want %d (%v, %v)", when, l.ActiveSlots, len(holders), want, err, failed)
		}
	}
	at := api.At(c.clock.Now().Add(90 * time.Minute))
	later := c.run(c.program("true"), func(r *api.DeploymentFlowRunCreate) {
		r.State = api.Some(api.StateCreate{Type: api.StateTypeScheduled, StateDetails: api.Some(api.StateDetails{ScheduledTime: &at})})
	})
	for _, jump := range []time.Duration{2 * time.Hour, -3 * time.Hour} {
		run := c.run(held, nil)
		c.logged(run, "begun")
		c.clock.Jump(jump)
		for _, service := range []string{"heartbeats", "foreman", "late-runs"} {
			c.turned(service)
		}
		c.ends(c.run(c.program("true"), nil), api.StateTypeCompleted)
		c.is(run, api.StateTypeRunning)
		holds(fmt.Sprintf("after a jump by %s", jump), 1)
		open()
		got := c.ends(run, api.StateTypeCompleted)
		if got.TotalRunTime < 0 {
			t.Errorf("after a jump by %s the run took %v seconds", jump, got.TotalRunTime)
		}
		holds("after the run", 0)
		c.ends(later, api.StateTypeCompleted)
	}
}

// TestADeadMachineLeavesNoRunRunning kills a worker together with the program of a run, and
// nobody comes in their place. With no setting changed the run has crashed after two of the
// heartbeats that are usual, which is six minutes by the clock.
func TestADeadMachineLeavesNoRunRunning(t *testing.T) {
	t.Parallel()
	c := newClocked(t)
	w := c.worker("w")
	pids := filepath.Join(t.TempDir(), "pids")
	endless := c.program("echo $$ >> " + pids + "; echo begun; exec sleep 600")
	run, cancelled := c.run(endless, nil), c.run(endless, nil)
	for _, id := range []uuid.UUID{run, cancelled} {
		c.logged(id, "begun")
	}
	c.turned("heartbeats")
	w.Kill()
	kill(t, pids)
	c.cancel(cancelled)
	died := c.clock.Now()
	const step = 40 * time.Second // longer ones are a jump of the clock, which excuses silence
	pass := func() {
		t.Helper()
		c.clock.Jump(step)
		c.turned("heartbeats")
	}
	for c.clock.Now().Before(died.Add(4 * time.Minute)) {
		pass()
	}
	c.is(run, api.StateTypeRunning)
	for range 40 { // on a busy machine a turn may be late enough to excuse it once more
		pass()
		if got, err := c.client.ReadFlowRun(t.Context(), run); err != nil || *got.StateType != api.StateTypeRunning {
			break
		}
	}
	got := c.ends(run, api.StateTypeCrashed)
	if m := text(got.State.Message); !strings.Contains(m, "it sends a heartbeat every 3m0s") {
		t.Errorf("message %q", m)
	}
	c.ends(cancelled, api.StateTypeCancelled)
}

// kill ends the processes that wrote their ids to the file.
func kill(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for id := range strings.FieldsSeq(string(data)) {
		pid, err := strconv.Atoi(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}

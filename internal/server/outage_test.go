package server_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/testkit"
)

// patience is how long anything may take on a busy machine.
const patience = 2 * time.Minute

// crowd are clients that take runs through their states and go on when the server is away.
type crowd struct {
	*client.Client

	t          *testing.T
	deployment uuid.UUID
	fate       uuid.UUID // of no run; ids of transitions are made from it

	mu    sync.Mutex
	acked map[uuid.UUID][]api.StateType // what the server has acknowledged
	many  chan struct{}                 // closed when that is enough
	left  int
}

// way is how each run goes.
var way = []api.StateType{api.StateTypePending, api.StateTypeRunning, api.StateTypeCompleted}

func newCrowd(t *testing.T, server *testkit.Server, slots int) *crowd {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: server.APIURL(), MaxRetries: -1, UserAgent: "prefect/3.8.3 (API 0.8.4)", Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := c.CreateFlow(t.Context(), &api.FlowCreate{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.CreateDeployment(t.Context(), &api.DeploymentCreate{Name: "d", FlowID: flow.ID, ConcurrencyLimit: api.Some(slots)})
	if err != nil {
		t.Fatal(err)
	}
	return &crowd{Client: c, t: t, deployment: d.ID, fate: uuid.New(), acked: map[uuid.UUID][]api.StateType{}, many: make(chan struct{})}
}

func (c *crowd) note(run uuid.UUID, state ...api.StateType) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked[run] = append(c.acked[run], state...)
	if c.left--; c.left == 0 {
		close(c.many)
	}
}

// known is what is acknowledged so far.
func (c *crowd) known() map[uuid.UUID][]api.StateType {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[uuid.UUID][]api.StateType{}
	for id, states := range c.acked {
		all[id] = slices.Clone(states)
	}
	return all
}

// lives takes the n-th run from its creation to its end. Every request is made until it is
// answered; its key or id of transition makes it the same one.
func (c *crowd) lives(n int) error {
	ctx := c.t.Context()
	var run uuid.UUID
	err := testkit.Until(ctx, func() error {
		made, err := c.CreateFlowRunFromDeployment(ctx, c.deployment, &api.DeploymentFlowRunCreate{IdempotencyKey: api.Some(fmt.Sprint(n))})
		run = made.ID
		return err
	})
	if err != nil {
		return err
	}
	c.note(run)
	for _, state := range way {
		id := uuid.NewSHA1(c.fate, []byte(fmt.Sprint(n, state)))
		err := testkit.Until(ctx, func() error {
			result, err := c.SetFlowRunState(ctx, run, &api.SetFlowRunStateRequest{State: api.StateCreate{
				Type: state, StateDetails: api.Some(api.StateDetails{TransitionID: &id}),
			}})
			if err == nil && (result.State == nil || result.State.Type != state) {
				return testkit.Final(fmt.Errorf("%s is answered with %s, %s", state, result.Status, result.Details))
			}
			return err
		})
		if err != nil {
			return err
		}
		c.note(run, state)
	}
	return nil
}

// mustHave checks that nothing that was acknowledged is lost.
func (c *crowd) mustHave(acked map[uuid.UUID][]api.StateType) {
	c.t.Helper()
	for id, states := range acked {
		run, err := c.ReadFlowRun(c.t.Context(), id)
		switch {
		case err != nil:
			c.t.Errorf("a run whose creation was acknowledged: %v", err)
		case len(states) > 0 && slices.Index(way, *run.StateType) < len(states)-1:
			c.t.Errorf("a run is %s, acknowledged was %s", *run.StateType, states[len(states)-1])
		}
	}
}

// TestAKilledServerLosesNothing kills a server on SQLite, as a power cut would, in the
// middle of two hundred runs.
func TestAKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	const runs = 200
	server := testkit.UsherServer(t)
	c := newCrowd(t, server, runs)
	c.left = 2 * runs
	var group sync.WaitGroup
	for n := range runs {
		group.Go(func() {
			if err := c.lives(n); err != nil {
				t.Error(err)
			}
		})
	}
	select {
	case <-c.many:
	case <-time.After(patience):
		t.Fatal("the runs do not get on")
	}
	server.Kill()
	acked := c.known()
	server.Restart(t)
	c.mustHave(acked)
	group.Wait()
	all := c.known()
	if len(all) != runs {
		t.Errorf("there are %d runs of %d", len(all), runs)
	}
	c.mustHave(all)
	limit := jsontext.Value("deployment:" + c.deployment.String())
	if holders, err := c.ReadLimitHolders(t.Context(), limit); err != nil || len(holders) != 0 {
		t.Errorf("after all runs have ended %d hold a slot, %v", len(holders), err)
	}
	if l, err := c.ReadConcurrencyLimitV2(t.Context(), limit); err != nil || l.ActiveSlots != 0 {
		t.Errorf("after all runs have ended %d slots are taken, %v", l.ActiveSlots, err)
	}
}

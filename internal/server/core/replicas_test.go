package core_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store/storetest"
)

// inPairs runs a test with two control planes that share a database and a clock.
func inPairs(t *testing.T, test func(h *house, both [2]*core.Core)) {
	t.Helper()
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, url string) {
		t.Helper()
		h := &house{t: t, at: time.Date(2026, 3, 2, 11, 59, 0, 0, time.UTC)}
		keys := crypt.NewKeeper("", t.TempDir())
		var both [2]*core.Core
		for i := range both {
			both[i] = &core.Core{
				Store: storetest.Open(t, url), Bus: &bus.Bus{}, Clock: h.clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
				Keys: keys,
			}
		}
		h.Core = both[0]
		test(h, both)
	})
}

// together lets both do the same at the same time, several times.
func (h *house) together(both [2]*core.Core, do func(context.Context, *core.Core) error) {
	h.t.Helper()
	var group sync.WaitGroup
	for range 3 {
		for _, c := range both {
			group.Go(func() {
				if err := do(h.t.Context(), c); err != nil {
					h.t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

// count says how often each event was stored.
func (h *house) count(prefix string) map[string]int {
	n := map[string]int{}
	for _, name := range h.events(prefix) {
		n[name]++
	}
	return n
}

func TestTwoServersEndWhatIsOverdueOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		const runs = 30
		d := h.deployment("d", "")
		for range runs {
			h.run(d, `{}`)
			paused := h.run(d, `{}`).ID
			h.set(paused, `{"type":"PENDING"}`)
			h.set(paused, `{"type":"RUNNING"}`)
			h.set(paused, `{"type":"PAUSED","name":"Paused","state_details":{"pause_timeout":"2026-03-02T12:00:00Z"}}`)
			cancelling := h.run(d, `{}`).ID
			h.set(cancelling, `{"type":"PENDING"}`)
			h.set(cancelling, `{"type":"CANCELLING"}`)
		}
		h.pass(10 * time.Minute)
		h.together(both, func(ctx context.Context, c *core.Core) error {
			return errors.Join(c.MarkLateRuns(ctx, who), c.ExpirePauses(ctx, who), c.EndCancellations(ctx, who))
		})
		got := h.count("prefect.flow-run.")
		for _, name := range []string{"Late", "Failed", "Cancelled"} {
			if got[name] != runs {
				t.Errorf("%d runs became %s, not %d", got[name], name, runs)
			}
		}
	})
}

func TestTwoServersCancelChildrenOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		const children = 20
		began := h.clock()
		parent := h.run(h.deployment("d", ""), `{}`)
		h.set(parent.ID, `{"type":"PENDING"}`)
		h.set(parent.ID, `{"type":"RUNNING"}`)
		for i := range children {
			in := read[api.TaskRunCreate](t, fmt.Sprintf(`{"flow_run_id":%q,"task_key":"k","dynamic_key":"%d","state":{"type":"RUNNING"}}`, parent.ID, i))
			task, _, err := h.CreateTaskRun(h.t.Context(), who, in)
			h.ok(err)
			child := read[api.FlowRunCreate](t, fmt.Sprintf(`{"flow_id":%q,"parent_task_run_id":%q,"state":{"type":"RUNNING"}}`, parent.FlowID, task.ID))
			_, _, err = h.CreateFlowRun(h.t.Context(), who, child)
			h.ok(err)
		}
		h.set(parent.ID, `{"type":"CANCELLED"}`)
		h.together(both, func(ctx context.Context, c *core.Core) error {
			return errors.Join(c.EndChildrenOf(ctx, who, parent.ID, api.StateTypeCancelled), c.EndChildren(ctx, who, began))
		})
		if got := h.count("prefect.flow-run.")["Cancelled"]; got != children+1 {
			t.Errorf("%d flow runs were cancelled, not %d", got, children+1)
		}
	})
}

func TestTwoServersTakeStatusesBackOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		const pools = 5
		for i := range pools {
			name := fmt.Sprintf("p%d", i)
			h.pool(`{"name":"` + name + `","type":"process"}`)
			h.deployment(name, `"work_pool_name":"`+name+`"`)
			h.ok(h.WorkerHeartbeat(h.t.Context(), who, name, read[api.WorkerHeartbeatRequest](t, `{"name":"w","heartbeat_interval_seconds":5}`)))
		}
		poll := func(ctx context.Context, c *core.Core) error {
			for i := range pools {
				if _, err := c.DueRuns(ctx, who, fmt.Sprintf("p%d", i), &api.GetScheduledFlowRunsRequest{}, 10); err != nil {
					return err
				}
			}
			return nil
		}
		h.together(both, poll)
		h.pass(5 * time.Minute)
		h.together(both, func(ctx context.Context, c *core.Core) error {
			_, err := c.Alone(ctx, "presence", func() error { return c.CheckPresence(ctx, who) })
			return err
		})
		for _, kind := range []string{"work-pool", "work-queue", "deployment"} {
			got := h.count("prefect." + kind + ".")
			if kind == "work-pool" {
				got["not-ready"] -= pools // that is told when a pool is made
			}
			if got["ready"] != pools || got["not-ready"] != pools {
				t.Errorf("%d times a %s became ready, %d times not ready, with %d of them", got["ready"], kind, got["not-ready"], pools)
			}
		}
	})
}

func TestTwoServersScheduleEachInstantOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		var ids []uuid.UUID
		for i := range 5 {
			ids = append(ids, h.deployment(fmt.Sprint("d", i), `"schedules":[{"schedule":{"cron":"0 * * * *"}},{"schedule":{"interval":1800,"anchor_date":"2026-01-01T00:15:00Z"}}]`).ID)
		}
		h.together(both, func(ctx context.Context, c *core.Core) error {
			return errors.Join(c.ScheduleDeployments(ctx, who, ids, c.UsualHorizon()), c.ScheduleHungry(ctx, who))
		})
		for _, id := range ids {
			times := map[string]int{}
			for _, at := range h.times(&api.DeploymentResponse{ID: id}) {
				if times[at]++; times[at] > 1 {
					t.Errorf("two runs at %s", at)
				}
			}
			if len(times) != 6 {
				t.Errorf("runs at %v", times)
			}
		}
	})
}

func TestTwoServersHandOutEachThingOnce(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		opened := h.clock()
		const tasks = 20
		for i := range tasks {
			in := read[api.TaskRunCreate](t, fmt.Sprintf(`{"task_key":"k","dynamic_key":"%d","state":{"type":"SCHEDULED","state_details":{"deferred":true}}}`, i))
			_, _, err := h.CreateTaskRun(h.t.Context(), who, in)
			h.ok(err)
		}
		run := h.run(h.deployment("d", ""), `{}`)
		must[*api.ConcurrencyLimitV2](t)(h.CreateConcurrencyLimit(h.t.Context(), who, &api.ConcurrencyLimitV2Create{Name: "db", Limit: 4}))
		var mu sync.Mutex
		handed, claims, slots := map[uuid.UUID]int{}, 0, 0
		h.together(both, func(ctx context.Context, c *core.Core) error {
			for {
				task, err := c.ClaimTask(ctx, who, []string{"k"})
				if err != nil || task == nil {
					break
				}
				mu.Lock()
				handed[task.ID]++
				mu.Unlock()
			}
			result, _, err := c.SetFlowRunState(ctx, who, run.ID, read[api.SetFlowRunStateRequest](t, `{"state":{"type":"PENDING"}}`))
			mu.Lock()
			if err == nil && result.Status == api.SetStateStatusAccept {
				claims++
			}
			mu.Unlock()
			_, _, full := c.AcquireSlots(ctx, who, &core.Slots{Names: []string{"db"}, Slots: 1, Lease: &core.LeaseTerms{Duration: time.Minute}})
			mu.Lock()
			if full == nil {
				slots++
			}
			mu.Unlock()
			return err
		})
		if len(handed) != tasks || claims != 1 || slots != 4 || h.taken("db") != 4 {
			t.Errorf("%d of %d tasks were handed out, %d claims accepted, %d slots given, %d are held", len(handed), tasks, claims, slots, h.taken("db"))
		}
		h.pass(2 * time.Minute)
		h.together(both, func(ctx context.Context, c *core.Core) error {
			_, err := c.ReapLeases(ctx, opened)
			return err
		})
		if got := h.taken("db"); got != 0 {
			t.Errorf("%d slots are held when every lease is over", got)
		}
	})
}

func TestTwoServersShareTheKeyOfAWorkspace(t *testing.T) {
	inPairs(t, func(h *house, both [2]*core.Core) {
		h.together(both, func(ctx context.Context, c *core.Core) error { return c.InstallSystemBlocks(ctx, who) })
		kind := must[*api.BlockType](t)(h.BlockTypeBySlug(h.t.Context(), who, "secret"))
		schemas := must[[]api.BlockSchema](t)(h.BlockSchemas(h.t.Context(), who, &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, 1, 0))
		var mu sync.Mutex
		var made []uuid.UUID
		n := 0
		h.together(both, func(ctx context.Context, c *core.Core) error {
			mu.Lock()
			n++
			name := fmt.Sprint("b", n)
			mu.Unlock()
			doc, err := c.CreateBlockDocument(ctx, who, read[api.BlockDocumentCreate](t, fmt.Sprintf(`{"name":%q,"data":{"value":"s3cret"},"block_type_id":%q,"block_schema_id":%q}`, name, kind.ID, schemas[0].ID)))
			if err == nil {
				mu.Lock()
				made = append(made, doc.ID)
				mu.Unlock()
			}
			return err
		})
		for _, id := range made {
			for _, c := range both {
				doc := must[*api.BlockDocument](t)(c.BlockDocument(h.t.Context(), who, id, true))
				if got := member(t, doc.Data, "value"); got != "s3cret" {
					t.Errorf("a document is read as %v", got)
				}
			}
		}
	})
}

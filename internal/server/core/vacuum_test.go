package core_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/otlp"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
)

// rows counts the rows of a table.
func (h *house) rows(table string) (n int) {
	h.t.Helper()
	h.ok(h.Store.Read(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		return tx.QueryRow("select count(*) from "+table+" where workspace_id = ?", []any{tx.Workspace()}, &n)
	}))
	return n
}

// lived makes a run that has a task run, logs, an artifact and measurements and has ended.
func (h *house) lived(d *api.DeploymentResponse, key string) uuid.UUID {
	h.t.Helper()
	ctx, run := h.t.Context(), h.running(d)
	id := run.String()
	_, _, err := h.CreateTaskRun(ctx, who, read[api.TaskRunCreate](h.t, `{"flow_run_id":"`+id+`","task_key":"t","dynamic_key":"0","state":{"type":"COMPLETED"}}`))
	h.ok(err)
	at := h.clock().Format(time.RFC3339Nano)
	log := read[api.LogCreate](h.t, `{"name":"n","level":20,"message":"m","timestamp":"`+at+`","flow_run_id":"`+id+`"}`)
	h.ok(h.CreateLogs(ctx, who, []api.LogCreate{*log, *log, *log}))
	must[*api.Artifact](h.t)(h.CreateArtifact(ctx, who, read[api.ArtifactCreate](h.t, `{"key":"`+key+`","data":"x","flow_run_id":"`+id+`"}`)))
	points := make([]otlp.Point, 5)
	for i := range points {
		points[i] = otlp.Point{At: api.At(h.clock().Add(time.Duration(i) * time.Second)), Value: 1}
	}
	h.ok(h.ExportMetrics(ctx, who, &otlp.Metrics{Runs: []otlp.Run{{ID: run, Series: []otlp.Series{{Name: "process.memory.usage", Unit: "By", Points: points}}}}}))
	h.set(run, `{"type":"COMPLETED"}`)
	return run
}

func TestTheVacuumRemovesWhatIsTooOld(t *testing.T) {
	inHouses(t, func(h *house) {
		const day = 24 * time.Hour
		h.Upkeep.Retention = core.Retention{FlowRuns: 90 * day, Logs: 100 * day, Events: 7 * day, Batch: 2}
		d := h.deployment("d", "")
		for range 3 {
			h.lived(d, "old")
		}
		running := h.running(d)
		h.pass(60 * day)
		young := h.lived(d, "old")
		h.ok(h.Vacuum(h.t.Context(), who))
		if got := h.rows("event"); got != len(h.events("prefect.")) || got > 8 {
			t.Errorf("%d events are left of the last minute", got)
		}
		if got := h.rows("event_mention"); got == 0 || got > 60 {
			t.Errorf("%d mentions of events are left", got)
		}
		if got := h.rows("flow_run"); got != 5 {
			t.Errorf("after 60 days %d runs are left", got)
		}
		h.pass(31 * day)
		h.ok(h.Vacuum(h.t.Context(), who))
		left := map[string]int{"flow_run": 2, "task_run": 1, "log": 3, "artifact": 1, "artifact_collection": 1, "flow_run_gone": 0, "run_metric": 1, "run_metric_point": 5, "event": 0, "event_mention": 0}
		for table, want := range left {
			if got := h.rows(table); got != want {
				t.Errorf("after 91 days %s has %d rows, want %d", table, got, want)
			}
		}
		if h.stateOf(running) != "Running" || h.stateOf(young) != "Completed" {
			t.Error("a run that is not old is not what it was")
		}
		h.pass(70 * day)
		h.Upkeep.Retention.FlowRuns = 0
		h.ok(h.Vacuum(h.t.Context(), who))
		if logs, runs := h.rows("log"), h.rows("flow_run"); logs != 0 || runs != 2 {
			t.Errorf("%d old logs of %d runs that are kept", logs, runs)
		}
	})
}

func TestTheVacuumKeepsSomeEventsForLess(t *testing.T) {
	inHouses(t, func(h *house) {
		run := h.running(h.deployment("d", ""))
		h.beat(run)
		h.Upkeep.Retention = core.Retention{Events: 7 * time.Hour, Named: map[string]time.Duration{"prefect.flow-run.heartbeat": time.Hour}}
		kept := len(h.events("prefect.")) - 1
		h.pass(2 * time.Hour)
		h.ok(h.Vacuum(h.t.Context(), who))
		if got := h.events("prefect."); len(got) != kept || len(h.events("prefect.flow-run.heartbeat")) != 0 {
			t.Errorf("left are %q", got)
		}
	})
}

func TestSubflowsAreKeptAsLongAsTheirParent(t *testing.T) {
	inHouses(t, func(h *house) {
		h.Upkeep.Retention = core.Retention{FlowRuns: time.Hour}
		d := h.deployment("d", "")
		parent := h.read(h.running(d))
		child, _ := h.subflow(parent, "")
		h.set(child, `{"type":"COMPLETED"}`)
		h.pass(2 * time.Hour)
		h.ok(h.Vacuum(h.t.Context(), who))
		if got := h.rows("flow_run"); got != 2 {
			t.Errorf("%d runs are left while the parent runs", got)
		}
		h.set(parent.ID, `{"type":"COMPLETED"}`)
		h.pass(2 * time.Hour)
		h.ok(h.Vacuum(h.t.Context(), who))
		if got := h.rows("flow_run"); got != 0 {
			t.Errorf("%d runs are left after the parent", got)
		}
	})
}

// What another server kept for long is not removed by the first turn after moving in.
func TestWhatWasTakenOverIsKeptFromThenOn(t *testing.T) {
	inHouses(t, func(h *house) {
		const day = 24 * time.Hour
		h.Upkeep.Retention = core.Retention{
			FlowRuns: 90 * day, Logs: 30 * day, Events: 7 * day,
			Named: map[string]time.Duration{"prefect.flow-run.Pending": time.Hour},
		}
		h.lived(h.deployment("d", ""), "old")
		h.pass(1000 * day)
		_, err := h.BeginIntake(h.t.Context(), who, "elsewhere")
		if api.CodeOf(err) != api.CodeConflict {
			t.Fatalf("a database that has runs is filled: %v", err)
		}
		h.ok(h.EndIntake(h.t.Context(), who, nil))
		tables := []string{"flow_run", "task_run", "log", "artifact", "event"}
		before := map[string]int{}
		for _, table := range tables {
			before[table] = h.rows(table)
		}
		left := func(after time.Duration, gone ...string) {
			h.t.Helper()
			h.pass(after)
			h.ok(h.Vacuum(h.t.Context(), who))
			for _, table := range tables {
				if got, kept := h.rows(table), !slices.Contains(gone, table); (got > 0) != kept || kept && table != "event" && got != before[table] {
					h.t.Errorf("%s later %s has %d of %d rows", after, table, got, before[table])
				}
			}
		}
		left(time.Minute)
		if got := h.rows("event"); got != before["event"] {
			t.Errorf("at once %d of %d events are left", got, before["event"])
		}
		left(6 * day)
		left(2*day, "event")
		left(23*day, "event", "log")
		left(60*day, "flow_run", "task_run", "log", "artifact") // the end of the artifact is an event
	})
}

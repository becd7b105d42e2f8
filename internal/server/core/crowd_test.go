package core_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/testkit"
)

// columns lists the columns of a table.
func columns(tx *store.Tx, table string) (names []string, err error) {
	sql := "select name from pragma_table_info(?)"
	if tx.D().Name() == "postgres" {
		sql = "select column_name::text from information_schema.columns where table_name = ?"
	}
	return names, tx.Query(sql, []any{table}, func(row *store.Row) error {
		names = append(names, "")
		return row.Scan(&names[len(names)-1])
	})
}

// multiply adds n copies of a row, each with an id of its own and what set changes, which
// may use the number i of the copy.
func (h *house) multiply(table string, id uuid.UUID, n int, set map[string]string) {
	h.t.Helper()
	h.ok(h.Store.Write(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		names, err := columns(tx, table)
		if err != nil {
			return err
		}
		fresh := "randomblob(16)"
		if tx.D().Name() == "postgres" {
			fresh = "gen_random_uuid()"
		}
		values := slices.Clone(names)
		for i, name := range names {
			names[i] = `"` + name + `"`
			values[i] = "t." + names[i]
			if name == "id" {
				values[i] = fresh
			}
			if expression, changed := set[name]; changed {
				values[i] = expression
			}
		}
		_, err = tx.Exec(`
			with recursive number(i) as (select 1 union all select i + 1 from number where i < ?)
			insert into `+table+` (`+strings.Join(names, ", ")+`)
			select `+strings.Join(values, ", ")+`
			from number
			cross join `+table+` t
			where t.id = ?`, n, id)
		return err
	}))
}

// broken makes a run that ended badly with n subflows that have ended and one that has not.
func (h *house) broken(ended api.StateType, n int) (child uuid.UUID) {
	h.t.Helper()
	parent := h.running(h.deployment("d", ""))
	over, task := h.subflow(h.read(parent), "")
	h.set(over, `{"type":"COMPLETED"}`)
	h.multiply("task_run", task, n, map[string]string{"dynamic_key": "'copy ' || i"})
	h.ok(h.Store.Write(h.t.Context(), who.Workspace, func(tx *store.Tx) error {
		names, err := columns(tx, "flow_run")
		if err != nil {
			return err
		}
		values := slices.Clone(names)
		for i, name := range names {
			names[i], values[i] = `"`+name+`"`, `r."`+name+`"`
			switch name {
			case "id", "parent_task_run_id": // ids of two kinds may be equal
				values[i] = "t.id"
			}
		}
		_, err = tx.Exec(`
			insert into flow_run (`+strings.Join(names, ", ")+`)
			select `+strings.Join(values, ", ")+`
			from task_run t
			cross join flow_run r
			where r.id = ?
			and t.flow_run_id = ?
			and t.id <> ?`, over, parent, task)
		return err
	}))
	in := read[api.TaskRunCreate](h.t, `{"flow_run_id":"`+parent.String()+`","task_key":"live","dynamic_key":"0","state":{"type":"RUNNING"}}`)
	live, _, err := h.CreateTaskRun(h.t.Context(), who, in)
	h.ok(err)
	run, _, err := h.CreateFlowRun(h.t.Context(), who, read[api.FlowRunCreate](h.t, `{"flow_id":"`+h.read(parent).FlowID.String()+
		`","parent_task_run_id":"`+live.ID.String()+`","state":{"type":"RUNNING"}}`))
	h.ok(err)
	h.set(parent, `{"type":"`+string(ended)+`"}`)
	return run.ID
}

// The reference looks at every subflow that runs anywhere, again and again; here what is
// over costs one look-up in an index, and nothing once its parent has been looked after.
func TestManySubflowsDoNotBurdenTheCleaningUp(t *testing.T) {
	inHouses(t, func(h *house) {
		const subflows = 5000
		began := h.clock()
		for _, ended := range []api.StateType{api.StateTypeCancelled, api.StateTypeCrashed} {
			child := h.broken(ended, subflows)
			took := timed(func() { h.ok(h.EndChildren(t.Context(), who, began)) })
			if got := h.read(child); *got.StateType != ended {
				t.Errorf("the one subflow that runs below a run that is %s is %s", ended, *got.StateType)
			}
			idle := timed(func() { h.ok(h.EndChildren(t.Context(), who, h.clock())) })
			t.Logf("%s with %d subflows: %s to end one, %s at rest", ended, subflows, took, idle)
			if max(took, idle) > 5*time.Second {
				t.Errorf("the cleaning up takes %s, and %s at rest", took, idle)
			}
		}
	})
}

func timed(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began).Round(time.Millisecond)
}

// TestTheVacuumLetsOthersWrite removes many old runs while somebody writes.
func TestTheVacuumLetsOthersWrite(t *testing.T) {
	inHouses(t, func(h *house) {
		const old = 3000
		h.Upkeep.Retention = core.Retention{FlowRuns: time.Hour}
		run := h.lived(h.deployment("d", ""), "key")
		h.multiply("flow_run", run, old, map[string]string{"name": "'run ' || i"})
		h.pass(2 * time.Hour)
		ctx, done := context.WithCancel(t.Context())
		var vacuumed time.Duration
		go func() {
			defer done()
			vacuumed = timed(func() { h.ok(h.Vacuum(t.Context(), who)) })
		}()
		var longest time.Duration
		writes := 0
		for ; ctx.Err() == nil; writes++ {
			longest = max(longest, timed(func() {
				_, err := h.CreateVariable(t.Context(), who, read[api.VariableCreate](t, `{"name":"`+uuid.NewString()+`","value":1}`))
				h.ok(err)
			}))
		}
		t.Logf("%d runs were removed in %s; meanwhile %d writes, the longest took %s", old, vacuumed, writes, longest)
		if left := h.rows("flow_run"); left != 0 || longest > 5*time.Second || writes < 2 {
			t.Errorf("%d old runs are left; %d writes were done meanwhile, the longest took %s", left, writes, longest)
		}
	})
}

// What a few rules cost the reference, each time that its scheduler looks at them, which is
// every few seconds, pays here for an hour of the scheduler's turns.
func TestRulesCostNothingAtRest(t *testing.T) {
	rules := []string{
		"FREQ=MINUTELY;BYHOUR=9;BYDAY=MO",
		"FREQ=MINUTELY;BYHOUR=9;BYMONTHDAY=1",
		"DTSTART:20200101T000000\nRRULE:FREQ=MINUTELY;INTERVAL=5;BYHOUR=8,9,10;BYDAY=MO,TU,WE,TH,FR",
		"DTSTART:20200101T000000\nRRULE:FREQ=MINUTELY;INTERVAL=15",
	}
	theirs := sync.OnceValue(func() time.Duration { return costOfRules(t, rules) })
	inHouses(t, func(h *house) {
		for i, rule := range rules {
			text, err := json.Marshal(map[string]string{"rrule": rule})
			h.ok(err)
			h.deployment(fmt.Sprint("d", i), `"schedules":[{"schedule":`+string(text)+`}]`)
		}
		h.ok(h.ScheduleHungry(t.Context(), who))
		if runs := h.rows("flow_run"); runs < 3*len(rules) {
			t.Fatalf("%d runs are planned", runs)
		}
		ours := time.Hour
		for range 3 { // a busy machine is not the scheduler's fault
			ours = min(ours, timed(func() {
				for range 60 {
					h.ok(h.ScheduleHungry(t.Context(), who))
				}
			}))
		}
		t.Logf("60 turns of ours take %s, one look of the reference's %s", ours, theirs())
		if ours > theirs() {
			t.Errorf("60 turns at rest take %s, more than one of the reference's %s", ours, theirs())
		}
	})
}

func costOfRules(t *testing.T, rules []string) time.Duration {
	t.Helper()
	input, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), testkit.Reference(t).Python, "testdata/rules.py")
	cmd.Stdin, cmd.Env = bytes.NewReader(input), testkit.Env(t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds * float64(time.Second))
}

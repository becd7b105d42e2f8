package states

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usherhq/usher/internal/api"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A small world to draw inputs from: few values, so that they meet.

func drawID(t *rapid.T, label string) uuid.UUID {
	return uuid.UUID{15: rapid.ByteRange(1, 4).Draw(t, label)}
}

func drawPtr[T any](t *rapid.T, label string, draw func(*rapid.T, string) T) *T {
	if !rapid.Bool().Draw(t, label+" is there") {
		return nil
	}
	v := draw(t, label)
	return &v
}

func drawTime(t *rapid.T, label string) api.Time {
	return api.At(start.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, label)) * 700 * time.Millisecond))
}

func drawText(values ...string) func(*rapid.T, string) string {
	return func(t *rapid.T, label string) string { return rapid.SampledFrom(values).Draw(t, label) }
}

func drawBool(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

func drawState(t *rapid.T, label string) api.State {
	state := api.State{
		ID:        drawID(t, label+" id"),
		Type:      api.StateType(rapid.SampledFrom(api.StateType("").Values()).Draw(t, label+" type")),
		Timestamp: drawTime(t, label+" timestamp"),
		Name: drawPtr(t, label+" name", drawText(nameLate, namePending, nameResuming, nameSuspended,
			nameAwaitingRetry, "Other")),
		Message: drawPtr(t, label+" message", drawText("m")),
		Data:    []byte(drawText("null", "{}", `{"type":"unpersisted"}`, `{"type":"reference"}`, `"text"`)(t, label+" data")),
	}
	d := &state.StateDetails
	d.ScheduledTime = drawPtr(t, label+" scheduled", drawTime)
	d.CacheKey = drawPtr(t, label+" cache key", drawText("", "key"))
	d.RefreshCache = drawPtr(t, label+" refresh", drawBool)
	d.Deferred = drawPtr(t, label+" deferred", drawBool)
	d.PauseTimeout = drawPtr(t, label+" pause timeout", drawTime)
	d.PauseReschedule = drawBool(t, label+" reschedule")
	d.PauseKey = drawPtr(t, label+" pause key", drawText("a", "b"))
	d.Retriable = drawPtr(t, label+" retriable", drawBool)
	d.TransitionID = drawPtr(t, label+" transition", drawID)
	d.DeploymentConcurrencyLeaseID = drawPtr(t, label+" lease", drawID)
	complete(&state)
	return state
}

func drawLimit(t *rapid.T, label string) Limit {
	return Limit{
		ID: drawID(t, label+" id"), Name: tagPrefix + label, Limit: rapid.IntRange(0, 2).Draw(t, label),
		Active: drawBool(t, label+" active"), ActiveSlots: rapid.IntRange(0, 2).Draw(t, label+" slots"),
		AverageOccupancy: time.Duration(rapid.IntRange(0, 20).Draw(t, label+" occupancy")) * time.Second,
	}
}

func drawInput(t *rapid.T) Input {
	in := Input{
		Kind:              Kind(rapid.IntRange(0, 1).Draw(t, "kind")),
		Policy:            Policy(rapid.IntRange(0, 2).Draw(t, "policy")),
		ID:                drawID(t, "id"),
		Current:           drawPtr(t, "current", drawState),
		Proposed:          drawState(t, "proposed"),
		DeploymentID:      drawPtr(t, "deployment id", drawID),
		ParentTaskRunID:   drawPtr(t, "parent", drawID),
		InfrastructurePID: drawPtr(t, "pid", drawText("", "1")),
		ClientVersion:     drawText("", "3.0.2", "3.4.10", "3.4.11", "3.8.3")(t, "client"),
		FlowRunID:         drawPtr(t, "flow run", drawID),
		Cached:            drawPtr(t, "cached", drawState),
		LeaseHeld:         drawBool(t, "held"),
		Draw:              Draw{Lease: uuid.UUID{15: 100}, Mirror: uuid.UUID{15: 101}, Random: rapid.Float64Range(0, 0.999).Draw(t, "random")},
	}
	in.Deployment = drawPtr(t, "deployment", func(t *rapid.T, label string) Deployment {
		return Deployment{
			Limit: drawPtr(t, label, drawLimit),
			Options: drawPtr(t, "options", func(t *rapid.T, label string) api.ConcurrencyOptions {
				return api.ConcurrencyOptions{CollisionStrategy: api.ConcurrencyLimitStrategy(
					drawText("ENQUEUE", "CANCEL_NEW")(t, label))}
			}),
		}
	})
	in.FlowRun = drawPtr(t, "flow", func(t *rapid.T, label string) Enclosing {
		return Enclosing{State: drawPtr(t, label, drawState), RunCount: rapid.IntRange(0, 3).Draw(t, label+" count")}
	})
	for range rapid.IntRange(0, 2).Draw(t, "tags") {
		in.Tags = append(in.Tags, "tag")
		in.TagLimits = append(in.TagLimits, drawLimit(t, "tag limit"))
	}
	in.Run = drawRun(t)
	return withoutContradictions(in)
}

func drawRun(t *rapid.T) Run {
	run := Run{
		RunCount:        rapid.IntRange(0, 3).Draw(t, "run count"),
		FlowRunRunCount: rapid.IntRange(0, 3).Draw(t, "flow run count"),
		StartTime:       drawPtr(t, "start", drawTime),
	}
	if run.StartTime != nil {
		run.EndTime = drawPtr(t, "end", drawTime)
	}
	run.FlowPolicy.Retries = drawPtr(t, "retries", func(t *rapid.T, l string) int { return rapid.IntRange(0, 2).Draw(t, l) })
	run.FlowPolicy.Resuming = drawPtr(t, "resuming", drawBool)
	run.FlowPolicy.PauseKeys = make([]string, 0, 4) // room, so that an append in place would be seen
	if rapid.Bool().Draw(t, "paused before") {
		run.FlowPolicy.PauseKeys = append(run.FlowPolicy.PauseKeys, "a")
	}
	run.TaskPolicy.Retries = run.FlowPolicy.Retries
	run.TaskPolicy.RetryDelay = []byte(drawText("null", "3", "1.5", "[1,2]", "[]")(t, "delay"))
	return run
}

func TestDecideIsPure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		kept := in
		kept.Run.FlowPolicy.PauseKeys = append([]string{}, in.Run.FlowPolicy.PauseKeys...)
		first := Decide(&in, start)
		if diff := cmp.Diff(kept, in, compared); diff != "" {
			t.Fatalf("the input changed:\n%s", diff)
		}
		if diff := cmp.Diff(first, Decide(&in, start), compared); diff != "" {
			t.Fatalf("another decision the second time:\n%s", diff)
		}
	})
}

func TestDecisionsHoldTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		d := Decide(&in, start)
		checkStatus(t, &in, &d)
		checkCounts(t, &in, &d)
		checkTimes(t, &in, &d)
		checkSlots(t, &in, &d)
	})
}

func checkStatus(t *rapid.T, in *Input, d *Decision) {
	answer := d.Result(in.Current)
	switch {
	case !answer.Details.IsValid():
		t.Fatalf("details are no JSON: %s", answer.Details)
	case d.Status == api.SetStateStatusAccept && (d.State == nil || d.State.ID != in.Proposed.ID || d.Reason != ""):
		t.Fatalf("accepted, but not what was proposed: %+v", d)
	case d.Status != api.SetStateStatusAccept && d.Reason == "":
		t.Fatal("refused without a reason")
	case (d.Status == api.SetStateStatusWait) != (d.DelaySeconds > 0) && d.Reason == "Scheduled time is in the future":
		t.Fatalf("waits %d s", d.DelaySeconds)
	case d.Status != api.SetStateStatusReject && d.Status != api.SetStateStatusAccept && d.State != nil:
		t.Fatalf("%s writes a state", d.Status)
	case d.State == nil && d.Effects != (Effects{}):
		t.Fatalf("effects without a state: %+v", d.Effects)
	}
}

func checkCounts(t *rapid.T, in *Input, d *Decision) {
	from := setOf(in.Current)
	if in.Kind == FlowRun && d.Run.RunCount < in.Run.RunCount {
		t.Fatalf("run_count of a flow run went from %d to %d", in.Run.RunCount, d.Run.RunCount)
	}
	if in.Kind == TaskRun && d.Run.RunCount < in.Run.RunCount && !from.has(terminal) {
		t.Fatalf("run_count of a task run that had not ended went from %d to %d", in.Run.RunCount, d.Run.RunCount)
	}
	if d.State == nil && d.Run.RunCount != in.Run.RunCount {
		t.Fatal("counted without a state")
	}
	if !d.RunChanged && cmp.Diff(in.Run, d.Run, compared) != "" {
		t.Fatal("the run changed and RunChanged is false")
	}
}

func checkTimes(t *rapid.T, in *Input, d *Decision) {
	if d.State == nil {
		return
	}
	ended := IsTerminal(d.State.Type)
	switch {
	case ended && (d.Run.EndTime == nil || d.Run.StartTime == nil):
		t.Fatal("ended without a start or an end")
	case !ended && setOf(in.Current).has(terminal) && d.Run.EndTime != nil:
		t.Fatal("runs again and has an end")
	case d.Run.ExpectedStartTime == nil:
		t.Fatal("no expected start")
	case (d.State.Type == api.StateTypeScheduled) != (d.Run.NextScheduledStartTime != nil):
		t.Fatal("next_scheduled_start_time is for scheduled runs")
	case in.Kind == FlowRun && in.Current != nil && in.Current.Timestamp.Equal(d.State.Timestamp.Time):
		t.Fatal("two states at one time")
	}
}

func checkSlots(t *rapid.T, in *Input, d *Decision) {
	e := &d.Effects
	if e.Acquire == nil {
		return
	}
	if !setOf(d.State).has(pending|running) || e.Release != nil || e.ReleaseTaskRun || e.Renew != nil {
		t.Fatalf("a slot for a run that does not run: %s, %+v", d.State.Type, e)
	}
	if in.Kind == FlowRun && *d.State.StateDetails.DeploymentConcurrencyLeaseID != e.Acquire.LeaseID {
		t.Fatal("the state does not name its lease")
	}
}

// TestTerminalStatesStay: without force a run leaves its end only to run again, and not
// when a result is kept.
func TestTerminalStatesStay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Policy = Core
		in.Current = new(drawState(t, "ended"))
		in.Current.Type = rapid.SampledFrom([]api.StateType{
			api.StateTypeCompleted, api.StateTypeFailed, api.StateTypeCancelled, api.StateTypeCrashed,
		}).Draw(t, "end")
		d := Decide(&in, start)
		if d.State == nil {
			return
		}
		to := setOf(d.State)
		proposed := setOf(&in.Proposed)
		if proposed.has(cancelling | paused | crashed) {
			t.Fatalf("%s became %s", in.Current.Type, d.State.Type)
		}
		if in.Current.Type == api.StateTypeCompleted && heldResult(in.Current.Data) && !to.has(terminal|paused) &&
			d.Reason == "" {
			t.Fatalf("a kept result was left for %s", d.State.Type)
		}
	})
}

// TestNeedsAreEnough: facts that Needs does not ask for are not read.
func TestNeedsAreEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		bare := in
		needs := Needs(&in)
		if !needs.Has(NeedDeployment) {
			bare.Deployment = nil
		}
		if !needs.Has(NeedLeaseHeld) {
			bare.LeaseHeld = false
		}
		if !needs.Has(NeedFlowRun) {
			bare.FlowRun = nil
		}
		if !needs.Has(NeedTagLimits) {
			bare.TagLimits = nil
		}
		if !needs.Has(NeedCached) {
			bare.Cached = nil
		}
		if diff := cmp.Diff(Decide(&in, start), Decide(&bare, start), compared); diff != "" {
			t.Fatalf("a fact was read that Needs (%b) does not name:\n%s", needs, diff)
		}
	})
}

// withoutContradictions drops facts that can't be: a deployment without its id.
func withoutContradictions(in Input) Input {
	if in.DeploymentID == nil {
		in.Deployment = nil
	}
	if in.FlowRunID == nil {
		in.FlowRun = nil
	}
	if len(in.Tags) == 0 {
		in.TagLimits = nil
	}
	return in
}

func TestUniqueTimestamp(t *testing.T) {
	t.Parallel()
	at := api.At(start)
	next := func(n int) api.Time { return api.At(start.Add(time.Duration(n) * time.Microsecond)) }
	in := Input{
		Current:  &api.State{Type: api.StateTypePending, Timestamp: at},
		Proposed: newState(api.StateTypeRunning, "", "", uuid.UUID{1}, at),
		Taken:    []api.Time{next(1), next(3)},
	}
	d := Decide(&in, start)
	if !d.State.Timestamp.Equal(next(2).Time) || !d.Run.StartTime.Equal(next(2).Time) {
		t.Errorf("state at %v, start at %v; want %v", d.State.Timestamp, d.Run.StartTime, next(2))
	}
}

// BenchmarkDecide decides a hundred of the recorded cases in turn.
func BenchmarkDecide(b *testing.B) {
	cases := loadTransitions(b)
	inputs := make([]Input, 100)
	for i := range inputs {
		inputs[i], _ = cases[i*len(cases)/len(inputs)].input()
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Decide(&inputs[i%len(inputs)], start)
	}
}

package states

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

var (
	runID, otherID, leaseID, freshID = uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}, uuid.UUID{4}
	limitID                          = uuid.UUID{5}
)

// in returns the input of a flow run that goes from one state type to another.
func in(from, to api.StateType) Input {
	current := newState(from, "", "", uuid.UUID{8}, api.At(start.Add(-time.Minute)))
	return Input{
		ID: runID, Current: &current, Proposed: newState(to, "", "", uuid.UUID{9}, api.At(start)),
		Draw: Draw{Lease: freshID, Mirror: otherID}, ClientVersion: "3.8.3",
	}
}

func (in Input) with(change func(*Input)) Input {
	change(&in)
	return in
}

// The effects that no answer shows, and so no recording.
func TestEffects(t *testing.T) {
	t.Parallel()
	const (
		pend, run, done = api.StateTypePending, api.StateTypeRunning, api.StateTypeCompleted
		sched, stop     = api.StateTypeScheduled, api.StateTypeCancelling
	)
	limited := func(in *Input) {
		in.DeploymentID = &otherID
		in.Deployment = &Deployment{Limit: &Limit{ID: limitID, Limit: 1, Active: true}}
	}
	leased := func(in *Input) {
		limited(in)
		in.Current.StateDetails.DeploymentConcurrencyLeaseID = &leaseID
		in.LeaseHeld = true
	}
	graced := func(in *Input) {
		seconds := 90
		in.Deployment.Options = &api.ConcurrencyOptions{GracePeriodSeconds: &seconds}
	}
	full := func(in *Input) { in.Deployment.Limit.ActiveSlots = 1 }
	lost := func(in *Input) { in.LeaseHeld = false }
	old := func(in *Input) { in.ClientVersion = "3.4.10" }
	task := func(in *Input) { in.Kind, in.Tags = TaskRun, []string{"a"} }
	deferred := func(in *Input) { in.Proposed.StateDetails.Deferred = new(true) }
	tagged := func(in *Input) { in.TagLimits = []Limit{{ID: limitID, Name: "tag:a", Limit: 1, Active: true}} }
	cached := func(in *Input) {
		in.Proposed.StateDetails.CacheKey = new("key")
		in.Proposed.StateDetails.CacheExpiration = api.AtPtr(start)
	}
	marked := func(in *Input) { in.Policy, in.Proposed.Name = MarkLate, new(nameLate) }
	cases := map[string]struct {
		from, to api.StateType
		given    []func(*Input)
		want     Effects
	}{
		"a written state makes an event":    {pend, run, nil, Effects{Event: true}},
		"a refused one does not":            {stop, run, nil, Effects{}},
		"cancelling is looked after":        {run, stop, nil, Effects{Event: true, CheckCancelling: api.AtPtr(start.Add(CancellingTimeout))}},
		"pending takes a slot":              {sched, pend, list(limited), Effects{Event: true, Acquire: &Acquire{freshID, list(limitID), 300 * time.Second}}},
		"for as long as the deployment":     {sched, pend, list(limited, graced), Effects{Event: true, Acquire: &Acquire{freshID, list(limitID), 90 * time.Second}}},
		"a full deployment gives none":      {sched, pend, list(limited, full), Effects{Event: true}},
		"paused gives the slot back":        {api.StateTypePaused, pend, list(limited), Effects{}},
		"running renews":                    {pend, run, list(leased, graced), Effects{Event: true, Renew: &Renew{leaseID, 90 * time.Second}}},
		"a lost lease is taken again":       {pend, run, list(leased, lost), Effects{Event: true, Acquire: &Acquire{freshID, list(limitID), 300 * time.Second}}},
		"or the run is cancelled":           {pend, run, list(leased, lost, full), Effects{Event: true, Release: &leaseID}},
		"an old client's lease stays":       {pend, run, list(leased, old), Effects{Event: true, Renew: &Renew{LeaseID: leaseID}}},
		"the end releases":                  {run, done, list(leased), Effects{Event: true, Release: &leaseID}},
		"also when a force lost it":         {run, done, list(limited), Effects{Event: true, ReleaseDeployment: true}},
		"whatever became of the limit":      {run, done, list(leased, func(in *Input) { in.Deployment = nil }), Effects{Event: true, Release: &leaseID}},
		"forced too":                        {run, done, list(leased, func(in *Input) { in.Policy = Minimal }), Effects{Event: true, Release: &leaseID}},
		"waiting early releases nothing":    {pend, run, list(leased, func(in *Input) { in.Current.StateDetails.ScheduledTime = api.AtPtr(start.Add(time.Hour)) }), Effects{}},
		"a task run takes tag slots":        {pend, run, list(task, tagged), Effects{Acquire: &Acquire{LeaseID: freshID, LimitIDs: list(limitID)}}},
		"and gives them back":               {run, done, list(task, tagged), Effects{ReleaseTaskRun: true}},
		"also when forced":                  {run, done, list(task, func(in *Input) { in.Policy = Minimal }), Effects{ReleaseTaskRun: true}},
		"not while it is being cancelled":   {run, stop, list(task), Effects{}},
		"a background task run is queued":   {pend, sched, list(task, deferred), Effects{ReleaseTaskRun: true, Enqueue: EnqueueScheduled}},
		"retries first":                     {pend, sched, list(task, deferred, func(in *Input) { in.Proposed.Name = new(nameAwaitingRetry) }), Effects{ReleaseTaskRun: true, Enqueue: EnqueueRetry}},
		"a completed task run is cached":    {run, done, list(task, cached), Effects{ReleaseTaskRun: true, Cache: &CacheEntry{"key", api.AtPtr(start)}}},
		"but not one that failed":           {run, api.StateTypeFailed, list(task, cached), Effects{ReleaseTaskRun: true}},
		"forced tasks fill no cache":        {run, done, list(task, cached, func(in *Input) { in.Policy = Minimal }), Effects{ReleaseTaskRun: true}},
		"late makes an event":               {sched, sched, list(marked), Effects{Event: true}},
		"but only what is scheduled":        {run, sched, list(marked), Effects{}},
		"a background task run is cached":   {run, done, list(task, deferred, cached), Effects{ReleaseTaskRun: true, Cache: &CacheEntry{"key", api.AtPtr(start)}}},
		"it may hold tags it does not have": {run, done, list(task, func(in *Input) { in.Tags = nil }), Effects{ReleaseTaskRun: true}},
		"but is not asked before its end":   {run, sched, list(task, func(in *Input) { in.Tags = nil }), Effects{}},
	}
	for name, c := range cases {
		input := in(c.from, c.to)
		for _, given := range c.given {
			given(&input)
		}
		got := Decide(&input, start)
		if diff := cmp.Diff(c.want, got.Effects, compared); diff != "" {
			t.Errorf("%s (%s, %q): want -, got +:\n%s", name, got.Status, got.Reason, diff)
		}
	}
}

func TestTaskRunTracksItsFlow(t *testing.T) {
	t.Parallel()
	for _, deferred := range []bool{false, true} {
		input := in(api.StateTypePending, api.StateTypeRunning)
		input.Kind, input.FlowRunID, input.FlowRun = TaskRun, &otherID, &Enclosing{RunCount: 3}
		input.FlowRun.State = &api.State{Type: api.StateTypeRunning}
		input.Proposed.StateDetails.Deferred = &deferred
		if d := Decide(&input, start); d.Run.FlowRunRunCount != 3 || d.Run.RunCount != 1 {
			t.Errorf("deferred %v: %+v", deferred, d.Run)
		}
	}
}

func list[T any](values ...T) []T { return values }

func TestSubflowIsMirrored(t *testing.T) {
	t.Parallel()
	input := in(api.StateTypePending, api.StateTypeRunning).with(func(in *Input) { in.ParentTaskRunID = &otherID })
	d := Decide(&input, start.Add(time.Second))
	mirror := d.Effects.Mirror
	if mirror == nil || mirror.TaskRunID != otherID {
		t.Fatalf("mirror: %+v", mirror)
	}
	if mirror.State.ID != input.Draw.Mirror || *mirror.State.StateDetails.ChildFlowRunID != runID {
		t.Errorf("mirrored state: %+v", mirror.State)
	}
	if d.State.StateDetails.ChildFlowRunID != nil || *d.State.StateDetails.TaskRunID != otherID {
		t.Errorf("the subflow's own state: %+v", d.State.StateDetails)
	}
}

func TestServiceStates(t *testing.T) {
	t.Parallel()
	due := api.At(start.Add(-time.Minute))
	scheduledRun := in(api.StateTypeScheduled, api.StateTypeScheduled)
	scheduledRun.Current.StateDetails.ScheduledTime = &due
	suspendedRun := in(api.StateTypePaused, api.StateTypePaused)
	suspendedRun.Current.StateDetails.PauseReschedule = true
	suspendedRun.DeploymentID = &otherID
	cases := map[string]struct {
		in       Input
		policy   Policy
		proposed api.State
		want     string
	}{
		"late":              {scheduledRun, MarkLate, Late(*scheduledRun.Current.StateDetails.ScheduledTime, freshID, start), "SCHEDULED Late"},
		"pause expired":     {in(api.StateTypePaused, ""), Minimal, PauseExpired(freshID, start), "FAILED Failed: The flow was paused and never resumed."},
		"cancelling":        {in(api.StateTypeCancelling, ""), Core, CancellingExpired(freshID, start), "CANCELLED Cancelled: Flow run cancellation timed out; marked this flow run as Cancelled."},
		"parent, no infra":  {in(api.StateTypeRunning, ""), Minimal, ParentEnded(api.StateTypeCancelled, false, freshID, start), "CANCELLED Cancelled: The parent flow run was cancelled."},
		"parent, with some": {in(api.StateTypeRunning, ""), Minimal, ParentEnded(api.StateTypeCancelled, true, freshID, start), "CANCELLING Cancelling: The parent flow run was cancelled."},
		"resume":            {in(api.StateTypePaused, ""), Core, resumed(t, in(api.StateTypePaused, "").Current), "RUNNING Running"},
		"resume suspended":  {suspendedRun, Core, resumed(t, suspendedRun.Current), "SCHEDULED Resuming"},
	}
	for name, c := range cases {
		c.in.Policy, c.in.Proposed = c.policy, c.proposed
		d := Decide(&c.in, start)
		if d.State == nil {
			t.Errorf("%s: refused: %s", name, d.Reason)
			continue
		}
		got := string(d.State.Type) + " " + *d.State.Name
		if d.State.Message != nil {
			got += ": " + *d.State.Message
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	late := Late(*scheduledRun.Current.StateDetails.ScheduledTime, freshID, start)
	if !late.StateDetails.ScheduledTime.Equal(due.Time) {
		t.Errorf("late at %v, want it due as before, %v", late.StateDetails.ScheduledTime, due)
	}
}

func resumed(t *testing.T, current *api.State) api.State {
	state, refusal := Resume(current, freshID, start)
	if refusal != nil {
		t.Fatalf("refused: %s", refusal.Details)
	}
	return state
}

func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	for _, current := range []*api.State{nil, in(api.StateTypeRunning, "").Current} {
		_, refusal := Resume(current, freshID, start)
		want := `{"type":"abort_details","reason":"Cannot resume a flow run that is not paused."}`
		if refusal == nil || refusal.Status != api.SetStateStatusAbort || refusal.State != nil || string(refusal.Details) != want {
			t.Errorf("resume of %v: %+v", current, refusal)
		}
	}
}

func TestResultDetails(t *testing.T) {
	t.Parallel()
	input := in(api.StateTypePending, api.StateTypeRunning)
	input.Current.StateDetails.ScheduledTime = api.AtPtr(start.Add(90 * time.Second))
	d := Decide(&input, start)
	answer := d.Result(input.Current)
	want := `{"type":"wait_details","delay_seconds":90,"reason":"Scheduled time is in the future"}`
	if string(answer.Details) != want || answer.State != input.Current {
		t.Errorf("got %s and %v", answer.Details, answer.State)
	}
}

func TestRenewsLeases(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"": false, "x": false, "3": false, "2.20.4": false, "3.4": false, "3.4.9": false, "3.4.10": false,
		"3.4.11rc1": false, "3.4.11.dev3": false, "3.4.11": true, "3.4.11+3.gabc": true, "3.4.11.post1": true,
		"3.5.0": true, "3.5.0rc1": true, "3.8.3": true, "3.10.1": true, "4.0.0": true,
	} {
		if got := renewsLeases(version); got != want {
			t.Errorf("renewsLeases(%q) = %v", version, got)
		}
	}
}

func TestScatterStaysInBounds(t *testing.T) {
	t.Parallel()
	const average = 10 * time.Second
	for _, factor := range []float64{0.1, 0.3, 1, 2, 60} {
		last := time.Duration(0)
		for _, random := range []float64{0, 0.25, 0.5, 0.75, 0.999999} {
			got := scatter(average, factor, random)
			if got < last || got > time.Duration(float64(average)*(1+factor)) {
				t.Errorf("scatter(%v, %v, %v) = %v after %v", average, factor, random, got, last)
			}
			last = got
		}
	}
	if got := scatter(0, 0.3, 0.5); got != 0 {
		t.Errorf("nothing scattered is %v", got)
	}
}

func TestDerived(t *testing.T) {
	t.Parallel()
	ago := func(minutes int) *api.Time { return api.AtPtr(start.Add(-time.Duration(minutes) * time.Minute)) }
	active := &api.State{Type: api.StateTypeRunning, Timestamp: *ago(5)}
	ended := &api.State{Type: api.StateTypeCompleted, Timestamp: *ago(5)}
	ahead := &api.State{Type: api.StateTypeRunning, Timestamp: *ago(-5)}
	cases := map[string]struct {
		run            Run
		current        *api.State
		runTime, delta int
	}{
		"never scheduled": {Run{}, nil, 0, 0},
		"not yet due":     {Run{ExpectedStartTime: ago(-3)}, nil, 0, 0},
		"overdue":         {Run{ExpectedStartTime: ago(3)}, nil, 0, 3},
		"ended unstarted": {Run{ExpectedStartTime: ago(3)}, ended, 0, 0},
		"started late":    {Run{ExpectedStartTime: ago(9), StartTime: ago(7)}, active, 5, 2},
		"started early":   {Run{ExpectedStartTime: ago(3), StartTime: ago(7)}, active, 5, 0},
		"ran before":      {Run{ExpectedStartTime: ago(9), StartTime: ago(9), TotalRunTime: time.Minute}, active, 6, 0},
		"ended":           {Run{ExpectedStartTime: ago(9), StartTime: ago(8), TotalRunTime: time.Minute}, ended, 1, 1},
		"clock set back":  {Run{ExpectedStartTime: ago(-9), StartTime: ago(-9), TotalRunTime: time.Minute}, ahead, 1, 0},
	}
	for name, c := range cases {
		runTime, delta := EstimatedRunTime(&c.run, c.current, start), Lateness(&c.run, c.current, start)
		if runTime != time.Duration(c.runTime)*time.Minute || delta != time.Duration(c.delta)*time.Minute {
			t.Errorf("%s: ran %v, late %v; want %d and %d minutes", name, runTime, delta, c.runTime, c.delta)
		}
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	const (
		pend, run, done = api.StateTypePending, api.StateTypeRunning, api.StateTypeCompleted
	)
	deployed := func(in *Input) { in.DeploymentID = &otherID }
	leased := func(in *Input) { in.Current.StateDetails.DeploymentConcurrencyLeaseID = &leaseID }
	task := func(in *Input) { in.Kind, in.FlowRunID, in.Tags = TaskRun, &otherID, []string{"a"} }
	cases := map[string]struct {
		from, to api.StateType
		given    []func(*Input)
		want     Facts
	}{
		"claim":                 {api.StateTypeScheduled, pend, list(deployed), NeedDeployment},
		"claim, no deployment":  {api.StateTypeScheduled, pend, nil, 0},
		"start":                 {pend, run, list(deployed, leased), NeedDeployment | NeedLeaseHeld},
		"start without a lease": {pend, run, list(deployed), 0},
		"end":                   {run, done, list(deployed, leased), 0},
		"forced":                {pend, run, list(deployed, leased, func(in *Input) { in.Policy = Minimal }), 0},
		"task":                  {pend, run, list(task), NeedFlowRun | NeedTagLimits},
		"task with a cache key": {pend, run, list(task, func(in *Input) { in.Proposed.StateDetails.CacheKey = new("k") }), NeedFlowRun | NeedTagLimits | NeedCached},
		"end of a task":         {run, done, list(task), 0},
	}
	for name, c := range cases {
		input := in(c.from, c.to)
		for _, given := range c.given {
			given(&input)
		}
		if got := Needs(&input); got != c.want {
			t.Errorf("%s: needs %b, want %b", name, got, c.want)
		}
	}
}

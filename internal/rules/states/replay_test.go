package states

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/api"
)

func TestDecideAnswersLikeTheReference(t *testing.T) {
	t.Parallel()
	cases := loadTransitions(t)
	if len(cases) < 10000 {
		t.Fatalf("only %d recorded cases", len(cases))
	}
	deviated := map[string]int{}
	for i := range cases {
		c := &cases[i]
		diff, why := c.replay()
		deviated[why]++
		if diff != "" {
			t.Errorf("%s: the reference's is -, ours +:\n%s", c.Name, diff)
		}
	}
	delete(deviated, "")
	for why, n := range deviated {
		t.Logf("%d cases decided differently on purpose: %s", n, why)
	}
}

// TestEveryRuleIsRecorded makes sure that a recorded case exists for every row of the
// tables, in which the row changes the transition. unrecorded have tests of their own: one
// needs two states in a microsecond, the reference has no policies of schedules and gives nothing back.
func TestEveryRuleIsRecorded(t *testing.T) {
	t.Parallel()
	unrecorded := []*rule{&uniqueTimestamp, &keepToSchedulePolicy, &skipLateOverlap, &startOnce}
	hits := map[string]int{}
	cases := loadTransitions(t)
	for i := range cases {
		in, at := cases[i].input()
		decide(&in, at, func(rule, _ string, changed bool) {
			if changed {
				hits[rule]++
			}
		})
	}
	for _, table := range tables() {
		for _, r := range table {
			if hits[r.name] == 0 && !slices.Contains(unrecorded, r) {
				t.Errorf("no recorded case in which rule %q does anything", r.name)
			}
		}
	}
}

func tables() [][]*rule {
	return [][]*rule{
		flowCore[:], flowMinimal[:], flowLate[:], taskCore[:], taskBackground[:], taskMinimal[:],
		flowBookkeeping[:], taskBookkeeping[:],
	}
}

// outcome is what a case compares: the answer, the run after it, and the slots.
type outcome struct {
	Status  api.SetStateStatus
	Details string
	Answer  *api.State
	State   *api.State // as stored
	Run     Run
	Slots   []int
	Parent  *outcome
}

// replay decides the case and returns how the outcome differs from the recorded one, and
// why it should, if it should.
func (c *recorded) replay() (diff, why string) {
	in, at := c.input()
	got := c.decided(in, decide(&in, at, nil))
	want := outcome{
		Status: c.Answer.Status, Answer: c.Answer.State, State: c.After.State, Run: c.After.run(c.kind()), Slots: c.slotsAfter(),
	}
	want.Details = details(c.Answer.Status, c.Answer.Details.Reason, c.Answer.Details.DelaySeconds)
	if c.Policy == "late" { // seen from outside only
		want.Status, want.Details, want.Answer = got.Status, got.Details, got.Answer
	}
	if c.Parent != nil {
		want.Parent = &outcome{State: c.Parent.After.State, Run: c.Parent.After.run(TaskRun)}
		got.Parent = c.decidedParent(in, at)
	}
	why = c.deviate(&in, &got, &want)
	c.forgive(&got, &want)
	return cmp.Diff(want, got, compared), why
}

func (c *recorded) decided(in Input, d Decision) outcome {
	answer := d.Result(in.Current).State
	return outcome{
		Status: d.Status, Details: details(d.Status, d.Reason, d.DelaySeconds), Answer: answer, State: stored(answer),
		Run: d.Run, Slots: c.slots(&in, &d),
	}
}

// stored returns state as it is read back.
func stored(state *api.State) *api.State {
	if state == nil {
		return nil
	}
	kept := *state
	kept.Data = Stored(state.Data)
	return &kept
}

func (c *recorded) decidedParent(in Input, at api.Time) *outcome {
	d := decide(&in, at, nil)
	before := &c.Parent.Before
	if d.Effects.Mirror == nil {
		return &outcome{State: before.State, Run: before.run(TaskRun)}
	}
	parent := Input{
		Kind: TaskRun, Policy: Minimal, ID: before.ID, FlowRunID: before.FlowRunID,
		Current: before.State, Run: before.run(TaskRun), Proposed: d.Effects.Mirror.State,
	}
	// The reference takes another reading of its clock.
	parent.Proposed.ID, parent.Proposed.Timestamp = c.Parent.After.State.ID, c.Parent.After.State.Timestamp
	mirrored := decide(&parent, at, nil)
	return &outcome{State: stored(mirrored.Result(parent.Current).State), Run: mirrored.Run}
}

// details is one text of what an answer says.
func details(status api.SetStateStatus, reason string, delay int) string {
	if status == api.SetStateStatusWait {
		return fmt.Sprintf("%s (%d s)", reason, delay)
	}
	return reason
}

// compared makes times, free JSON and lists comparable by what they mean.
var compared = cmp.Options{
	cmp.Comparer(func(a, b api.Time) bool { return a.Equal(b.Time) }),
	cmp.Comparer(func(a, b jsontext.Value) bool { return canonical(a) == canonical(b) }),
	cmp.Comparer(func(a, b []string) bool { // pause keys: a set
		return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
	}),
}

func canonical(v jsontext.Value) string {
	if len(v) == 0 {
		return "null"
	}
	v = v.Clone()
	if err := v.Canonicalize(); err != nil {
		return err.Error()
	}
	return string(v)
}

// slots returns how many slots the case's limits have taken after the effects of d.
func (c *recorded) slots(in *Input, d *Decision) []int {
	var taken []int
	count := func(l *recordedLimit, held int) {
		after := l.ActiveSlots
		if d.Effects.Acquire != nil && slices.Contains(d.Effects.Acquire.LimitIDs, l.ID) {
			after++
		}
		taken = append(taken, max(0, after-held))
	}
	if c.Deployment != nil && c.Deployment.Limit != nil {
		held := 0
		if d.Effects.Release != nil && in.LeaseHeld {
			held = 1
		}
		count(c.Deployment.Limit, held)
	}
	for i := range c.TagLimits {
		held := 0
		if d.Effects.ReleaseTaskRun {
			held = c.TagLimits[i].ActiveSlots - c.TagLimitsAfter[i].ActiveSlots // as the leases say
		}
		count(&c.TagLimits[i], held)
	}
	return taken
}

func (c *recorded) slotsAfter() []int {
	var taken []int
	if c.DeploymentAfter != nil && c.DeploymentAfter.Limit != nil {
		taken = append(taken, c.DeploymentAfter.Limit.ActiveSlots)
	}
	for _, l := range c.TagLimitsAfter {
		taken = append(taken, l.ActiveSlots)
	}
	return taken
}

// forgive evens out what depends on another reading of the clock, or on chance.
func (c *recorded) forgive(got, want *outcome) {
	last := c.latest()
	near := func(got, want *api.Time) bool {
		if got == nil || want == nil || want.Before(got.Add(-time.Second)) {
			return false
		}
		return want.Sub(got.Time) <= c.Answered.Sub(c.Asked.Time)+time.Second ||
			last != nil && !want.After(last.Add(time.Second))
	}
	same := func(got, want *api.State) *api.State {
		if got == nil || want == nil || !near(got.StateDetails.ScheduledTime, want.StateDetails.ScheduledTime) {
			return got
		}
		state := *got
		state.StateDetails.ScheduledTime = want.StateDetails.ScheduledTime
		return &state
	}
	got.State, got.Answer = same(got.State, want.State), same(got.Answer, want.Answer)
	if got.Parent != nil {
		c.forgive(got.Parent, want.Parent)
	}
	if near(got.Run.NextScheduledStartTime, want.Run.NextScheduledStartTime) {
		got.Run.NextScheduledStartTime = want.Run.NextScheduledStartTime
	}
	if near(got.Run.ExpectedStartTime, want.Run.ExpectedStartTime) {
		got.Run.ExpectedStartTime = want.Run.ExpectedStartTime
	}
	if len(got.Run.FlowPolicy.PauseKeys) == len(want.Run.FlowPolicy.PauseKeys) && strings.HasSuffix(c.Name, "paused-nokey") {
		want.Run.FlowPolicy.PauseKeys = got.Run.FlowPolicy.PauseKeys
	}
	c.forgiveWait(got, want)
}

// latest returns the latest scheduled time that chance allows for a retry with jitter,
// the earliest being ours; nil when chance plays no part.
func (c *recorded) latest() *api.Time {
	in, at := c.input()
	if in.Run.TaskPolicy.RetryJitterFactor == nil {
		return nil
	}
	in.Draw.Random = 0.999999
	return decide(&in, at, nil).Run.NextScheduledStartTime
}

// forgiveWait accepts any delay between what we say when asked and when answered, and
// between the least and the most of what chance allows.
func (c *recorded) forgiveWait(got, want *outcome) {
	if got.Status != api.SetStateStatusWait || want.Status != got.Status {
		return
	}
	in, _ := c.input()
	early := decide(&in, c.Asked, nil)
	in.Draw.Random = 0.999999
	late := decide(&in, c.Answered, nil)
	least, most := min(early.DelaySeconds, late.DelaySeconds), max(early.DelaySeconds, late.DelaySeconds)
	if d := c.Answer.Details.DelaySeconds; least <= d && d <= most {
		got.Details = details(got.Status, early.Reason, d)
	}
}

// deviate brings want to what is meant where the reference is not followed on purpose,
// and says why; "" when it is followed.
func (c *recorded) deviate(in *Input, got, want *outcome) string {
	switch {
	case strings.HasPrefix(c.Name, "tags/zero-first/") && want.Status == api.SetStateStatusWait:
		*want = outcome{
			Status: api.SetStateStatusAbort, Answer: want.Answer, State: want.State, Run: want.Run, Slots: want.Slots,
			Details: `The concurrency limit on tag "` + strings.TrimPrefix(c.TagLimits[0].Name, tagPrefix) +
				`" is 0 and will deadlock if the task tries to run again.`,
		}
		return "a tag limit of 0 is told at once, whatever the other tags"
	case c.Deployment != nil && c.Deployment.Limit != nil && !c.Deployment.Limit.Active && want.Details == deploymentFull:
		unlimited := *in
		unlimited.Deployment = &Deployment{Options: in.Deployment.Options}
		*want = c.decided(unlimited, decide(&unlimited, got.at(in), nil))
		want.Slots = got.Slots
		return "a limit that is switched off is none"
	case c.DeploymentAfter != nil && len(got.Slots) == 1 && !c.LeaseHeld && want.Slots[0] == got.Slots[0]-1 && c.wrote():
		want.Slots = got.Slots
		return "a run whose lease is gone gives no slot back"
	case c.clearedLease(in, want):
		answer := *want.Answer
		answer.StateDetails.DeploymentConcurrencyLeaseID = in.Current.StateDetails.DeploymentConcurrencyLeaseID
		want.Answer = &answer
		return "a refusal answers the current state as it is stored"
	}
	return ""
}

func (o *outcome) at(in *Input) api.Time {
	if o.State != nil {
		return o.State.Timestamp
	}
	return in.Proposed.Timestamp
}

// clearedLease: the reference took a slot, gave it back, and took the lease out of its
// answer, though not out of the state.
func (c *recorded) clearedLease(in *Input, want *outcome) bool {
	return !c.wrote() && in.Current != nil && in.Current.StateDetails.DeploymentConcurrencyLeaseID != nil &&
		want.Status == api.SetStateStatusReject && want.Answer.StateDetails.DeploymentConcurrencyLeaseID == nil &&
		want.State.StateDetails.DeploymentConcurrencyLeaseID != nil
}

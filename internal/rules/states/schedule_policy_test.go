package states

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

func TestRunsKeepToThePolicyOfTheirSchedule(t *testing.T) {
	t.Parallel()
	const sched, pend = api.StateTypeScheduled, api.StateTypePending
	marked := func(in *Input) { in.Policy, in.Proposed.Name = MarkLate, new(nameLate) }
	begun := []uuid.UUID{otherID}
	overlapping := func(o api.ScheduleOverlap) *Siblings { return &Siblings{Overlap: o, Begun: begun, HasLater: true} }
	free := func(o api.ScheduleOverlap) *Siblings { return &Siblings{Overlap: o} }
	none := func(*Input) {}
	rerun := func(in *Input) { in.Run.RunCount = 1 }
	cases := map[string]struct {
		to       api.StateType
		given    func(*Input)
		siblings *Siblings
		want     string // the name of the state
		overtake bool
	}{
		"no policy":                           {pend, none, nil, "Pending", false},
		"nothing in the way":                  {pend, none, free(api.ScheduleOverlapSkip), "Pending", false},
		"nothing to cancel":                   {pend, none, free(api.ScheduleOverlapCancelRunning), "Pending", false},
		"overlaps are allowed":                {pend, none, overlapping(api.ScheduleOverlapAllow), "Pending", false},
		"overlaps are skipped":                {pend, none, overlapping(api.ScheduleOverlapSkip), "Skipped", false},
		"overlaps wait":                       {pend, none, overlapping(api.ScheduleOverlapQueue), "AwaitingConcurrencySlot", false},
		"the latest one overtakes":            {pend, none, &Siblings{Overlap: api.ScheduleOverlapCancelRunning, Begun: begun}, "AwaitingConcurrencySlot", true},
		"those before it don't":               {pend, none, overlapping(api.ScheduleOverlapCancelRunning), "Skipped", false},
		"only the latest is made up for":      {pend, none, &Siblings{Latest: true, HasLater: true}, "Skipped", false},
		"which is this one":                   {pend, none, &Siblings{Latest: true}, "Pending", false},
		"a retry goes on":                     {pend, rerun, overlapping(api.ScheduleOverlapSkip), "Pending", false},
		"late ones are skipped":               {sched, marked, overlapping(api.ScheduleOverlapSkip), "Skipped", false},
		"late ones are late":                  {sched, marked, free(api.ScheduleOverlapSkip), "Late", false},
		"late ones that wait are late":        {sched, marked, overlapping(api.ScheduleOverlapQueue), "Late", false},
		"late retries are not skipped either": {sched, func(in *Input) { marked(in); rerun(in) }, overlapping(api.ScheduleOverlapSkip), "Late", false},
	}
	for name, c := range cases {
		input := in(sched, c.to).with(c.given)
		input.DeploymentID, input.ScheduleID, input.Deployment, input.Siblings = &otherID, &freshID, &Deployment{}, c.siblings
		if !Needs(&input).Has(NeedSiblings) {
			t.Errorf("%s: the siblings are not read", name)
		}
		got := Decide(&input, start)
		if diff := cmp.Diff([]any{c.want, c.overtake}, []any{nameOf(got.State), got.Effects.Overtake}); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", name, diff)
		}
		if c.want == nameSkipped && got.State.Type != api.StateTypeCancelled {
			t.Errorf("%s: skipped as %s", name, got.State.Type)
		}
		if due := got.State.StateDetails.ScheduledTime; c.want == nameAwaitingConcurrencySlot && !due.Equal(start.Add(30*time.Second)) {
			t.Errorf("%s: due at %s", name, due)
		}
	}
	input := in(sched, pend)
	if input.DeploymentID = &otherID; Needs(&input).Has(NeedSiblings) {
		t.Error("a run that no schedule made has no siblings")
	}
}

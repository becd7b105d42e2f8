package states

import (
	"reflect"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// rule is one row of a table: when it applies and what it does. Its hooks change the
// transition they are given.
//
// A rule looks at a transition on the way in (before) and, in reverse order, on the way
// out: after, when the outcome is the one it saw last, cleanup when a later rule changed
// the outcome. It is passed over when the proposed type is no longer the one that the
// client proposed. A rule that itself replaces or drops the proposal gets its after only
// if that outcome is in its to.
type rule struct {
	name     string
	from, to set
	reads    Facts
	// always marks bookkeeping: it looks at every transition that still has a proposal,
	// whatever its type.
	always                 bool
	before, after, cleanup func(*transition)
}

// transition is a proposed state on its way through the rules.
type transition struct {
	in       *Input
	now      api.Time
	settings Settings

	proposed *api.State // nil: nothing will be written
	outcome  set        // type that the running rule expects the proposal to have
	run      Run

	status  api.SetStateStatus
	reason  string
	delay   int
	effects Effects
}

// maxRules bounds the rules that one transition passes.
const maxRules = 32

// Decide returns what becomes of in.Proposed at now. The same arguments give the same
// decision; in is not changed and shares no memory with the decision that either may
// change.
func Decide(in *Input, now time.Time) Decision {
	return decide(in, api.At(now), nil)
}

// watch is told of every hook that ran and whether it changed anything. Tests use it.
type watch func(rule, hook string, changed bool)

func decide(in *Input, now api.Time, seen watch) Decision {
	proposed := in.Proposed
	t := &transition{
		in: in, now: now, proposed: &proposed, run: in.Run, status: api.SetStateStatusAccept,
	}
	t.settings = DefaultSettings()
	if in.Settings != nil {
		t.settings = *in.Settings
	}
	t.walk(seen)
	return Decision{
		Status: t.status, Reason: t.reason, DelaySeconds: t.delay, State: t.proposed,
		Run: t.run, RunChanged: t.proposed != nil || !samePolicy(&t.run.FlowPolicy, &in.Run.FlowPolicy),
		Effects: t.effects,
	}
}

// walk passes the transition through its rules, in and out again.
func (t *transition) walk(seen watch) {
	var room [maxRules]*rule
	policy, bookkeeping := rulesOf(t.in)
	rules := append(append(room[:0], policy...), bookkeeping...)

	from, intended := setOf(t.in.Current), setOf(t.proposed)
	var outcomes [maxRules]set // what each rule expects on the way out; zero: it has no say
	for i, r := range rules {
		if !r.from.has(from) || !r.to.has(intended) || !t.concerns(r, intended) {
			continue
		}
		t.outcome = intended
		t.call(r, "before", r.before, seen)
		outcomes[i] = t.outcome
	}
	for i := len(rules) - 1; i >= 0; i-- {
		switch r := rules[i]; {
		case outcomes[i] == 0:
		case r.always:
			if t.proposed != nil {
				t.call(r, "after", r.after, seen)
			}
		case !r.to.has(outcomes[i]):
		case outcomes[i] != setOf(t.proposed):
			t.call(r, "cleanup", r.cleanup, seen)
		default:
			t.call(r, "after", r.after, seen)
		}
	}
}

// concerns says whether r still has something to look at on the way in.
func (t *transition) concerns(r *rule, intended set) bool {
	if r.always {
		return t.proposed != nil
	}
	return setOf(t.proposed) == intended
}

func (t *transition) call(r *rule, name string, hook func(*transition), seen watch) {
	if hook == nil {
		return
	}
	if seen == nil {
		hook(t)
		return
	}
	was, wasProposed := *t, t.snapshot()
	hook(t)
	now, nowProposed := *t, t.snapshot()
	was.proposed, now.proposed = wasProposed, nowProposed
	seen(r.name, name, !reflect.DeepEqual(was, now))
}

func (t *transition) snapshot() *api.State {
	if t.proposed == nil {
		return nil
	}
	state := *t.proposed
	return &state
}

// The verdicts of rules.

// rejectWith writes state in place of the proposal.
func (t *transition) rejectWith(state api.State, reason string) {
	t.proposed = &state
	t.outcome = setOf(&state)
	t.status, t.reason = api.SetStateStatusReject, reason
}

// reject keeps the current state.
func (t *transition) reject(reason string) { t.drop(api.SetStateStatusReject, reason) }

// abort tells the client to stop orchestrating the run.
func (t *transition) abort(reason string) { t.drop(api.SetStateStatusAbort, reason) }

// wait tells the client to propose again after some seconds.
func (t *transition) wait(seconds int, reason string) {
	t.drop(api.SetStateStatusWait, reason)
	t.delay = seconds
}

func (t *transition) drop(status api.SetStateStatus, reason string) {
	t.proposed = nil
	t.outcome = noState
	t.status, t.reason = status, reason
}

func (t *transition) rename(name string) { t.proposed.Name = &name }

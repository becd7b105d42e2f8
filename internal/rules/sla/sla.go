// Package sla holds the rules of agreements about runs: what there is to agree on, when to
// look whether an agreement was kept, and how to tell.
package sla

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
)

// The kinds of agreements, by the names that the contract has for them.
const (
	TimeToCompletion = "TimeToCompletionSla" // a run takes no longer
	Frequency        = "FrequencySla"        // a run completes at least so often
	Freshness        = "FreshnessSla"        // an event comes at least so often
	Lateness         = "LatenessSla"         // a run starts so soon after its time
)

// Agreement is a service level agreement about the runs of a resource.
type Agreement struct {
	Kind     string
	Name     string
	Severity api.SlaSeverity
	Enabled  bool
	Owner    string // the resource, such as prefect.deployment.<id>; "" for all runs
	Bound    time.Duration

	match jsontext.Value // of Freshness: which resource the event is about
	event string
}

// longest bounds an agreement's time.
const longest = 10 * 366 * 24 * time.Hour

// Read reads an agreement as a request writes it, which stands at a place of the request:
// its kind is told by its members.
func Read(raw jsontext.Value, at ...any) (*Agreement, []api.Violation) {
	var members map[string]jsontext.Value
	if raw.Kind() != '{' || json.Unmarshal(raw, &members, jsontext.AllowDuplicateNames(true)) != nil {
		return nil, []api.Violation{{Type: "model_attributes_type", Loc: at, Msg: "Input should be a valid dictionary or object to extract fields from", Input: raw}}
	}
	has := func(name string) bool { _, has := members[name]; return has }
	a, bound := &Agreement{}, "within"
	var seconds float64
	var err error
	switch {
	case has("duration"):
		var in api.TimeToCompletionSla
		err, bound = api.Decode(raw, &in), "duration"
		a.name(TimeToCompletion, in.Name, in.Severity, in.Enabled, in.OwnerResource)
		seconds = float64(in.Duration)
	case has("stale_after"):
		var in api.FrequencySla
		err, bound = api.Decode(raw, &in), "stale_after"
		a.name(Frequency, in.Name, in.Severity, in.Enabled, in.OwnerResource)
		seconds = float64(in.StaleAfter)
	case has("resource_match"), has("expected_event"):
		var in api.FreshnessSla
		err = api.Decode(raw, &in)
		a.name(Freshness, in.Name, in.Severity, in.Enabled, in.OwnerResource)
		seconds, a.match, a.event = float64(in.Within), in.ResourceMatch, in.ExpectedEvent
	case has("within"):
		var in api.LatenessSla
		err = api.Decode(raw, &in)
		a.name(Lateness, in.Name, in.Severity, in.Enabled, in.OwnerResource)
		seconds = float64(in.Within)
	default:
		return nil, []api.Violation{{Type: "value_error", Loc: at, Msg: "Value error, an SLA has one of duration, stale_after and within", Input: raw}}
	}
	if found := placed(err, at); len(found) > 0 {
		return nil, found
	}
	if seconds <= 0 || seconds > longest.Seconds() {
		return nil, []api.Violation{{Type: "value_error", Loc: below(at, bound), Msg: "Value error, the time must be more than 0 seconds and at most ten years", Input: members[bound]}}
	}
	a.Bound = time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
	return a, nil
}

func (a *Agreement) name(kind, name string, severity api.Opt[api.SlaSeverity], enabled api.Opt[bool], owner api.Opt[string]) {
	a.Kind, a.Name, a.Severity, a.Enabled, a.Owner = kind, name, severity.Or(api.SlaSeverityHigh), enabled.Or(true), owner.Or("")
}

// placed are the violations in an error, which are told below the body, below a place.
func placed(err error, at []any) []api.Violation {
	found := api.ViolationsOf(err)
	for i := range found {
		found[i].Loc = below(at, found[i].Loc[1:]...)
	}
	return found
}

func below(at []any, more ...any) []any { return append(append([]any{}, at...), more...) }

// shortest is the shortest window of a trigger.
const shortest = time.Second

// Trigger is what says when to look whether the agreement was kept. Runs are told late when
// they are lateAfter behind their time.
func (a *Agreement) Trigger(newID func() uuid.UUID, lateAfter time.Duration) *automation.Trigger {
	e := automation.Event{
		Match: labels("prefect.resource.id", "prefect.flow-run.*"), MatchRelated: labels(), After: []string{}, Expect: []string{}, ForEach: []string{"prefect.resource.id"},
		Posture: automation.Proactive, Threshold: 1, Within: a.Bound,
	}
	if a.Owner != "" {
		e.MatchRelated = labels("prefect.resource.id", a.Owner)
	}
	switch a.Kind {
	case TimeToCompletion:
		e.After, e.Expect = []string{"prefect.flow-run.Running"}, ended
	case Lateness:
		e.After, e.Expect = []string{"prefect.flow-run.Late", "prefect.flow-run.Pending"}, append([]string{"prefect.flow-run.Running"}, ended...)
		e.Within = max(a.Bound-lateAfter, shortest)
		if a.Bound < lateAfter { // a run may begin too late without being told late, so each that begins is looked at
			e.Posture, e.After, e.Within = automation.Reactive, []string{}, 0
			e.Expect = []string{"prefect.flow-run.Late", "prefect.flow-run.Pending", "prefect.flow-run.Running"}
		}
	case Frequency:
		every := []string{"prefect.flow-run.*"}
		e.Match = labels("prefect.resource.id", "prefect.flow-run.*", "prefect.state-type", string(api.StateTypeCompleted))
		e.After, e.Expect, e.ForEach = every, every, []string{"related:deployment:prefect.resource.id"}
	case Freshness:
		e.After, e.Expect, e.ForEach = []string{a.event}, []string{a.event}, []string{}
		e.Match, e.MatchRelated = a.match, labels()
	}
	return &automation.Trigger{Type: automation.TypeEvent, ID: newID(), Event: e}
}

// ended are the events of runs that come to an end.
var ended = []string{"prefect.flow-run.Completed", "prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.Cancelled"}

func labels(pairs ...string) jsontext.Value {
	out := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(out, json.Deterministic(true))
	if err != nil {
		return jsontext.Value("{}") // strings can be written
	}
	return text
}

// WaitsAtOnce says that time counts from when the agreement is made, and not only from an
// event on.
func (a *Agreement) WaitsAtOnce() bool { return a.Kind == Freshness }

// Action is the action of an automation that tells of violations.
func (a *Agreement) Action() jsontext.Value {
	text, err := json.Marshal(map[string]any{"type": automation.SLAViolation, "sla_severity": a.Severity}, json.Deterministic(true))
	if err != nil {
		return nil // strings can be written
	}
	return text
}

// Times are those of a run that agreements are about.
type Times struct {
	Expected, Started, Ended *api.Time
}

// Judge says whether a run breaks an agreement of a kind as far as is known now, and when
// there is more to know if that is to come. What no run tells was broken when the trigger
// fired.
func Judge(kind string, bound time.Duration, run Times, now time.Time) (broken bool, again time.Time) {
	from, to := run.Started, run.Ended
	switch kind {
	case TimeToCompletion:
	case Lateness:
		from, to = run.Expected, cmp.Or(run.Started, run.Ended)
	default:
		return true, again
	}
	switch {
	case from == nil:
		return false, again
	case to != nil:
		return to.Sub(from.Time) > bound, again
	case now.Before(from.Add(bound)):
		return false, from.Add(bound)
	}
	return true, again
}

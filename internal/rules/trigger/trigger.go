package trigger

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
	"github.com/usherhq/usher/internal/rules/filter"
)

// Trigger is a trigger that is ready to be asked about events.
type Trigger struct {
	*automation.Trigger

	Automation uuid.UUID
	Parent     *Trigger // the compound or sequence that it is part of, nil for the outermost
	Stored     jsontext.Value

	children []*Trigger
	match    filter.Labels
	related  []filter.Labels
	keys     []string // the for_each labels in their order in keys of buckets
	covered  *regexp.Regexp
}

// Compile makes an automation's trigger ready.
func Compile(id uuid.UUID, t *automation.Trigger) (*Trigger, error) {
	stored, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	out := &Trigger{Trigger: t, Automation: id, Stored: stored}
	if t.Type == automation.TypeEvent {
		return out, out.compileEvent()
	}
	for i := range t.Triggers {
		child, err := Compile(id, &t.Triggers[i])
		if err != nil {
			return nil, err
		}
		child.Parent = out
		out.children = append(out.children, child)
	}
	return out, nil
}

func (t *Trigger) compileEvent() (err error) {
	if t.match, err = filter.ParseLabels(t.Match); err != nil {
		return err
	}
	for _, raw := range t.RelatedMatches() {
		labels, err := filter.ParseLabels(raw)
		if err != nil {
			return err
		}
		t.related = append(t.related, labels)
	}
	t.keys = slices.Sorted(slices.Values(t.ForEach))
	if len(t.Expect) > 0 {
		t.covered, err = prefixes(slices.Concat(t.Expect, t.After))
	}
	return err
}

// prefixes matches the names that begin like one of the patterns, in which only * is
// special and stands for at least one character.
func prefixes(patterns []string) (*regexp.Regexp, error) {
	list := make([]string, len(patterns))
	for i, p := range patterns {
		list[i] = strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".+")
	}
	return regexp.Compile("^(?:" + strings.Join(list, "|") + ")")
}

// Leaves are the triggers in t that are not made of others.
func (t *Trigger) Leaves() []*Trigger {
	if t.Type == automation.TypeEvent || t.IsMeasured() {
		return []*Trigger{t}
	}
	var out []*Trigger
	for _, child := range t.children {
		out = append(out, child.Leaves()...)
	}
	return out
}

// IsProactive says that the trigger fires when events stay away.
func (t *Trigger) IsProactive() bool { return t.Posture == automation.Proactive }

// IsMeasured says that the trigger fires when a metric breaks a threshold.
func (t *Trigger) IsMeasured() bool { return t.Type == automation.TypeMetric }

// names lists the patterns of the names of the events that matter.
func (t *Trigger) names() []string {
	if len(t.Expect) == 0 {
		return []string{"*"}
	}
	return slices.Concat(t.Expect, t.After)
}

// namesEvent says whether events of that name may matter.
func (t *Trigger) namesEvent(name string) bool {
	if t.covered == nil {
		return name != ""
	}
	matches := func(pattern string) bool { return filter.Glob(pattern, name) }
	return slices.ContainsFunc(t.names(), matches) && t.covered.MatchString(name)
}

// coversResources says whether an event is about what the trigger watches.
func (t *Trigger) coversResources(e *api.ReceivedEvent) bool {
	if !t.match.Matches(e.Resource) {
		return false
	}
	for _, labels := range t.related {
		if len(labels) > 0 && !slices.ContainsFunc(e.Related, func(r api.RelatedResource) bool { return labels.Matches(r) }) {
			return false
		}
	}
	return true
}

// Covers says whether an event matters.
func (t *Trigger) Covers(e *api.ReceivedEvent) bool {
	return t.namesEvent(e.Event) && t.coversResources(e)
}

// isEcho says that an event tells what the trigger's own automation has done, without the
// trigger naming such events: it would answer to itself for ever.
func (t *Trigger) isEcho(e *api.ReceivedEvent) bool {
	what, ofAutomation := strings.CutPrefix(e.Event, "prefect.automation.")
	switch {
	case !ofAutomation || what != "triggered" && !strings.HasPrefix(what, "action."):
		return false
	case e.Resource["prefect.resource.id"] != "prefect.automation."+t.Automation.String():
		return false
	}
	return !slices.Contains(t.Expect, e.Event) && !slices.Contains(t.After, e.Event)
}

func (t *Trigger) startsAfter(event string) bool { return isAny(t.After, event) }

func (t *Trigger) expects(event string) bool { return len(t.Expect) == 0 || isAny(t.Expect, event) }

func isAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return filter.MatchesPattern(p, name) })
}

// isImmediate says that there is no window: every event counts at once.
func (t *Trigger) isImmediate() bool { return !t.IsProactive() && t.Within == 0 }

func (t *Trigger) meets(count int) bool {
	if t.IsProactive() {
		return count < t.Threshold
	}
	return count >= t.Threshold
}

// key are the values of the for_each labels in an event.
func (t *Trigger) key(e *api.ReceivedEvent) []string {
	out := make([]string, len(t.keys))
	for i, label := range t.keys {
		out[i] = labelOf(e, label)
	}
	return out
}

// labelOf finds a label of the event's resource, or of the first related resource of a
// role when it is written related:role:label.
func labelOf(e *api.ReceivedEvent, label string) string {
	if i := strings.LastIndexByte(label, ':'); i >= 0 {
		directive, role, _ := strings.Cut(label[:i], ":")
		for _, r := range e.Related {
			if directive == "related" && r["prefect.resource.role"] == role {
				return r[label[i+1:]]
			}
		}
	}
	return e.Resource[label]
}

// labels names the values of a bucket's key.
func (t *Trigger) labels(key []string) map[string]string {
	out := map[string]string{}
	for i, label := range t.keys {
		if i < len(key) {
			out[label] = key[i]
		}
	}
	return out
}

// isReady says whether the firings of a compound's or sequence's triggers, the oldest
// first, make it fire.
func (t *Trigger) isReady(firings []*Firing) bool {
	if t.Type == automation.TypeCompound {
		return len(firings) >= t.Required()
	}
	return slices.EqualFunc(firings, t.children, func(f *Firing, child *Trigger) bool { return f.By == child.ID })
}

// lookback is how much older than the first event others may be that arrive after it.
const lookback = 15 * time.Minute

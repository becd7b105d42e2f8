package automation

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/filter"
)

// Trigger is what an automation waits for: an event trigger, or a compound or sequence
// of triggers. Which fields matter says Type.
type Trigger struct {
	Type string
	ID   uuid.UUID
	Event
	Composite
	Metric
}

// The kinds of triggers.
const (
	TypeEvent    = "event"
	TypeCompound = "compound"
	TypeSequence = "sequence"
	TypeMetric   = "metric"
)

// Event is the part of a trigger of the kind event.
type Event struct {
	Match        jsontext.Value // labels that the event's resource has
	MatchRelated jsontext.Value // labels, or a list of them, each of one related resource
	After        []string
	Expect       []string
	ForEach      []string
	Posture      string
	Threshold    int
	Within       time.Duration
}

// RelatedMatches are the selections of related resources, one or more.
func (e *Event) RelatedMatches() []jsontext.Value {
	var list []jsontext.Value
	if json.Unmarshal(e.MatchRelated, &list) == nil {
		return list
	}
	return []jsontext.Value{e.MatchRelated}
}

// The postures of an event trigger.
const (
	Reactive  = "Reactive"
	Proactive = "Proactive"
	Measured  = "Metric" // of a metric trigger
)

// Metric is the part of a trigger of the kind metric, which has Match and MatchRelated too.
// It fires when the metric over the last Range has broken the threshold for FiringFor.
type Metric struct {
	Name      api.PrefectMetric
	Limit     float64
	Operator  api.MetricTriggerOperator
	Range     time.Duration
	FiringFor time.Duration
}

// Breaks says whether a value breaks the threshold.
func (m *Metric) Breaks(value float64) bool {
	switch m.Operator {
	case api.MetricTriggerOperatorBelow:
		return value < m.Limit
	case api.MetricTriggerOperatorAtMost:
		return value <= m.Limit
	case api.MetricTriggerOperatorAbove:
		return value > m.Limit
	}
	return value >= m.Limit
}

// Composite is the part of a trigger that is made of others.
type Composite struct {
	Triggers []Trigger
	Span     *time.Duration // nil: any length of time
	Require  jsontext.Value // of a compound: a number, "any" or "all"
}

// ReadTrigger reads a trigger as a request writes it. Triggers get new ids: those of the
// request do not count.
func ReadTrigger(raw jsontext.Value, newID func() uuid.UUID) (*Trigger, []api.Violation) {
	var found []api.Violation
	t := readTrigger(raw, reading{idOf: func(*object) uuid.UUID { return newID() }, least: leastProactive, levels: mostLevels}, []any{"body", "trigger"}, &found)
	return t, found
}

func init() { //nolint:gochecknoinits // requests are judged below this package
	api.ReadUnion("EventTrigger", func(raw jsontext.Value) (string, []api.Violation) {
		var found []api.Violation
		t := readTrigger(raw, reading{idOf: func(*object) uuid.UUID { return uuid.UUID{} }, least: leastProactive, levels: mostLevels}, nil, &found)
		if t == nil {
			return "", found
		}
		return t.schema(), found
	})
}

// schema is the name of a trigger's schema in the contract, "" for no kind of trigger.
func (t *Trigger) schema() string {
	return map[string]string{TypeEvent: "EventTrigger", TypeCompound: "CompoundTriggerInput", TypeSequence: "SequenceTriggerInput", TypeMetric: TypeMetric}[t.Type]
}

// ReadStored reads a trigger that is stored, with its ids.
func ReadStored(raw jsontext.Value) (*Trigger, error) {
	var found []api.Violation
	t := readTrigger(raw, reading{idOf: func(o *object) uuid.UUID {
		o.required("id")
		return or(o.id("id"))
	}, levels: math.MaxInt}, []any{"trigger"}, &found)
	if len(found) > 0 {
		return nil, api.Invalid(raw, found...)
	}
	return t, nil
}

func or(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.UUID{}
	}
	return *id
}

// reading is how triggers are read.
type reading struct {
	idOf func(*object) uuid.UUID // the id of the trigger that an object describes
	// least is the shortest window of a proactive trigger; agreements about runs have
	// shorter ones than requests may ask for.
	least time.Duration
	// levels is how many levels of triggers in triggers there may be.
	levels int
}

// mostLevels is so small that clients, which read lists of automations as a whole, can read
// all of them: the reference's fail at about 250.
const mostLevels = 32

func readTrigger(raw jsontext.Value, by reading, at []any, found *[]api.Violation) *Trigger {
	o, isObject := open(raw, at, found)
	if !isObject {
		return nil
	}
	t := &Trigger{Type: o.text("type", impliedType(o)), ID: by.idOf(o)}
	switch t.Type {
	case TypeEvent:
		t.Event = readEvent(o, by.least)
	case TypeCompound:
		t.Composite = readComposite(o, by)
		t.Require = readRequire(o, len(t.Triggers))
	case TypeSequence:
		t.Composite = readComposite(o, by)
	case TypeMetric:
		t.Event, t.Metric = readMetric(o)
	default:
		o.wrong("type", "literal_error", "Input should be "+api.Choices([]string{TypeEvent, TypeCompound, TypeSequence}))
	}
	return t
}

// impliedType is the kind of a trigger that does not name it.
func impliedType(o *object) string {
	switch {
	case o.has("require"):
		return TypeCompound
	case o.has("triggers"):
		return TypeSequence
	}
	return TypeEvent
}

// leastMeasured is the shortest time over which a metric is looked at.
const leastMeasured = 5 * time.Minute

func readMetric(o *object) (e Event, m Metric) {
	e = Event{Match: o.labels("match"), MatchRelated: o.labelsOrList("match_related"), Posture: o.choice("posture", Measured, Measured), After: []string{}, Expect: []string{}, ForEach: []string{}}
	if !o.required("metric") {
		return e, m
	}
	q, isObject := open(o.members["metric"], o.place("metric"), o.found)
	if !isObject {
		return e, m
	}
	if q.required("name") {
		m.Name = api.PrefectMetric(q.choice("name", "", m.Name.Values()...))
	}
	if q.required("operator") {
		m.Operator = api.MetricTriggerOperator(q.choice("operator", "", m.Operator.Values()...))
	}
	if q.required("threshold") && json.Unmarshal(q.members["threshold"], &m.Limit) != nil {
		q.wrong("threshold", "float_parsing", "Input should be a valid number, unable to parse string as a number")
	}
	m.Range, m.FiringFor = q.duration("range", leastMeasured), q.duration("firing_for", leastMeasured)
	for name, d := range map[string]time.Duration{"range": m.Range, "firing_for": m.FiringFor} {
		if d < leastMeasured || d > longestMeasured {
			q.wrong(name, "value_error", "Value error, The minimum range is 300 seconds (5 minutes), the maximum 30 days")
		}
	}
	if !everyRun(e.Match) {
		o.wrong("match", "value_error", "Value error, figures are kept by what flow runs belong to, not by run; select them by match_related")
	}
	return e, m
}

// longestMeasured is the longest.
const longestMeasured = 30 * 24 * time.Hour

// leastProactive is the shortest time over which the absence of events means something.
const leastProactive = 10 * time.Second

func readEvent(o *object, least time.Duration) Event {
	e := Event{
		Match: o.labels("match"), MatchRelated: o.labelsOrList("match_related"),
		After: o.set("after"), Expect: o.set("expect"), ForEach: o.set("for_each"), Threshold: o.number("threshold", 1),
	}
	if o.required("posture") {
		e.Posture = o.choice("posture", "", Reactive, Proactive)
	}
	if o.isNull("within") {
		o.problem("value_error", "Value error, "+api.NoWindow)
		return e
	}
	e.Within = o.duration("within", 0)
	switch {
	case e.Within < 0:
		o.wrong("within", "greater_than_equal", "Input should be greater than or equal to 0 seconds")
		(*o.found)[len(*o.found)-1].Ctx = jsontext.Value(`{"ge":"0 seconds"}`)
	case e.Posture == Proactive && e.Within == 0:
		e.Within = least
	case e.Posture == Proactive && e.Within < least:
		o.problem("value_error", "Value error, "+api.ShortWindow)
	}
	return e
}

// labels reads a selection of resources, everything when it is absent.
func (o *object) labels(name string) jsontext.Value {
	v := o.members[name]
	switch {
	case !o.has(name):
		return jsontext.Value("{}")
	case v.Kind() != '{':
		o.wrong(name, "dict_type", "Input should be a valid dictionary")
	default:
		o.checkLabels(name, v)
	}
	return v
}

func (o *object) labelsOrList(name string) jsontext.Value {
	v := o.members[name]
	if v.Kind() != '[' {
		return o.labels(name)
	}
	var list []jsontext.Value
	if json.Unmarshal(v, &list) != nil {
		o.wrong(name, "list_type", "Input should be a valid list")
	}
	for _, labels := range list {
		if labels.Kind() != '{' {
			o.wrong(name, "dict_type", "Input should be a valid dictionary")
			continue
		}
		o.checkLabels(name, labels)
	}
	return v
}

// Required is how many triggers of a compound or sequence have to fire.
func (c *Composite) Required() int {
	if string(c.Require) == `"any"` {
		return 1
	}
	var text string
	number := c.Require
	if json.Unmarshal(number, &text) == nil {
		number = jsontext.Value(text)
	}
	if n, err := strconv.Atoi(string(number)); err == nil {
		return n
	}
	return len(c.Triggers)
}

func (o *object) checkLabels(name string, v jsontext.Value) {
	if _, err := filter.ParseLabels(v); err != nil {
		o.wrong(name, "value_error", "Value error, "+err.Error())
	}
}

func readComposite(o *object, by reading) Composite {
	c := Composite{Triggers: []Trigger{}}
	var list []jsontext.Value
	if o.required("triggers") && (o.isNull("triggers") || json.Unmarshal(o.members["triggers"], &list) != nil) {
		o.wrong("triggers", "list_type", "Input should be a valid list")
	}
	if by.levels--; by.levels < 0 {
		o.wrong("triggers", "value_error", "Value error, triggers can be at most "+strconv.Itoa(mostLevels)+" levels deep in others")
		return c
	}
	for i, raw := range list {
		if t := readTrigger(raw, by, append(o.place("triggers"), i), o.found); t != nil {
			c.Triggers = append(c.Triggers, *t)
		}
	}
	if o.required("within") && !o.isNull("within") {
		within := o.duration("within", 0)
		c.Span = &within
	}
	return c
}

func readRequire(o *object, triggers int) jsontext.Value {
	if !o.required("require") {
		return nil
	}
	v := o.members["require"]
	if text := string(v); text == `"any"` || text == `"all"` {
		return v
	}
	switch n := o.number("require", 0); {
	case n < 1:
		o.problem("value_error", "Value error, require must be at least 1")
	case n > triggers:
		o.problem("value_error", "Value error, require must be less than or equal to the number of triggers")
	}
	return v
}

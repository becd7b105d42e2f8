package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Reader reads a value of a union whose alternatives have rules that no schema tells. It
// says which alternative is meant, by the name of its schema, or a word of its own for one
// that the contract does not have, and what is wrong with it, at places below the value.
type Reader func(raw jsontext.Value) (kind string, found []Violation)

// readers are those of the unions, by the name of their first alternative.
var readers = map[string]Reader{}

// ReadUnion has the values of a union read by who knows its rules, when they are judged.
// The packages that know rules call it when they are initialised.
func ReadUnion(first string, read Reader) { readers[first] = read }

// Refused makes the error of a request that was read into v and that rules refuse: it
// tells all that is wrong by its schemas, or if these are content, what was found.
func Refused(body jsontext.Value, v any, found ...Violation) error {
	if len(body) > 0 {
		if err := explain(body, v); err != nil {
			return err
		}
	}
	return Invalid(body, found...)
}

// ruled leaves a value of a union to its reader. If that refuses it, each alternative tells
// what does not fit, as in every union, the one that was meant by its rules too.
func (c *conformer) ruled(read Reader, options []*shape, v jsontext.Value, at []any) {
	kind, found := read(v)
	if len(found) == 0 {
		return
	}
	if len(at) > deepPlace || len(c.found) > manyViolations {
		c.found = append(c.found, placed(found, at)...)
		return
	}
	var all []Violation
	fits := kind != "" && !slices.ContainsFunc(options, func(o *shape) bool { return o.name == kind })
	for _, o := range options {
		try := conformer{}
		place := below(at, o.labelIn(at))
		try.value(o, v, place)
		if o.name == kind {
			try.add(o, found, place)
		}
		fits = fits || len(try.found) == 0
		all = append(all, try.found...)
	}
	if fits {
		all = placed(found, at)
	}
	c.found = append(c.found, all...)
}

// Alternatives within alternatives multiply, so far down and after so much only the one that
// was meant is judged.
const (
	deepPlace      = 14
	manyViolations = 1000
)

func placed(found []Violation, at []any) []Violation {
	for i := range found {
		found[i].Loc = slices.Concat(at, found[i].Loc)
	}
	return found
}

// add takes over what rules found wrong with an object, where its schema found nothing:
// with a member, or with all of it.
func (c *conformer) add(s *shape, found []Violation, at []any) {
	isBroken := len(c.found) > 0
	for _, v := range found {
		isWhole := len(v.Loc) == 0
		isKnown := slices.ContainsFunc(c.found, func(known Violation) bool {
			return !isWhole && len(known.Loc) > len(at) && known.Loc[len(at)] == v.Loc[0]
		})
		if !isKnown && (!isWhole || !isBroken) {
			v.Loc = slices.Concat(at, v.Loc)
			c.found = append(c.found, v)
		}
	}
	rank := func(v Violation) int {
		if len(v.Loc) <= len(at) {
			return 0
		}
		i := slices.IndexFunc(s.Members, func(m memberShape) bool { return m.name == v.Loc[len(at)] })
		return (i + len(s.Members) + 1) % (len(s.Members) + 1) // what has no such name comes last
	}
	slices.SortStableFunc(c.found, func(a, b Violation) int { return cmp.Compare(rank(a), rank(b)) })
}

// validated are the rules that the reference's names of alternatives tell of.
var validated = map[string]string{
	"IntervalSchedule": "validate_timezone", "CronSchedule": "validate_timezone", "CompoundTriggerInput": "validate_require",
	"RunDeployment": selectedDeployment, "PauseDeployment": selectedDeployment, "ResumeDeployment": selectedDeployment,
	"PauseWorkQueue": selectedQueue, "ResumeWorkQueue": selectedQueue, "PauseWorkPool": selectedPool, "ResumeWorkPool": selectedPool,
	"PauseAutomation": selectedAutomation, "ResumeAutomation": selectedAutomation,
}

const (
	selectedDeployment = "selected_deployment_requires_id"
	selectedQueue      = "selected_work_queue_requires_id"
	selectedPool       = "selected_work_pool_requires_id"
	selectedAutomation = "selected_automation_requires_id"
)

// labelIn is the label of an alternative of the union at a place. The reference names the
// rule of a compound trigger twice where it is in no other one.
func (s *shape) labelIn(at []any) string {
	label, rule := s.label(), validated[s.name]
	if rule == "" {
		return label
	}
	label = fmt.Sprintf("function-after[%s(), %s]", rule, label)
	if s.name == "CompoundTriggerInput" && !slices.ContainsFunc(at, isCompound) {
		label = fmt.Sprintf("function-after[%s(), %s]", rule, label)
	}
	return label
}

func isCompound(part any) bool {
	name, _ := part.(string)
	return strings.Contains(name, "CompoundTrigger")
}

// isDuration says that a number of the contract is a length of time, which may be a text.
func isDuration(schema, member string) bool {
	switch member {
	case "within":
		return schema == "EventTrigger" || schema == "CompoundTriggerInput" || schema == "SequenceTriggerInput"
	case "interval":
		return schema == "IntervalSchedule"
	case "schedule_after":
		return schema == "RunDeployment"
	}
	return false
}

// NoWindow and ShortWindow are what is wrong with the window of an event trigger, which is
// looked at before its other members are.
const (
	NoWindow    = "`within` should be a valid timedelta"
	ShortWindow = "`within` for Proactive triggers must be greater than or equal to 10 seconds"
)

func windowProblem(o *object) string {
	within, isThere := o.get("within")
	posture, _ := o.get("posture")
	switch d, err := ParseDuration(within); {
	case isThere && within.Kind() == 'n':
		return NoWindow
	case err == nil && within.Kind() != '"' && unquoted(posture) == "Proactive" && d != 0 && d.Seconds() < 10:
		return ShortWindow
	}
	return ""
}

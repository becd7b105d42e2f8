package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Parse reads a schedule in the form of the contract: {interval, anchor_date, timezone},
// {cron, timezone, day_or} or {rrule, timezone}. Other members are refused, and so is an
// interval without anchor_date, which only Canonical may choose. The error is an
// *api.Error with what is wrong in the wire's shape, located below "schedule".
func Parse(raw jsontext.Value) (Schedule, error) {
	w, found := readWire(raw)
	if len(found) == 0 && w.kind == "interval" && !w.anchored {
		found = append(found, w.violation("anchor_date", "missing", "Field required"))
	}
	if len(found) > 0 {
		return nil, api.Invalid(raw, w.located(found, []any{"schedule"})...)
	}
	return w.schedule, nil
}

// Canonical returns the form in which a schedule received at now is stored and answered:
// defaults filled in, an interval anchored at now, a recurrence rule given the DTSTART that
// it implies. Its errors are those of Parse.
func Canonical(raw jsontext.Value, now time.Time) (jsontext.Value, error) {
	w, found := readWire(raw)
	if len(found) > 0 {
		return nil, api.Invalid(raw, w.located(found, []any{"schedule"})...)
	}
	return w.canonical(now)
}

// Check returns what is wrong with a schedule that stands at loc of a request; nil if
// Canonical accepts it.
func Check(raw jsontext.Value, loc ...any) []api.Violation {
	w, found := readWire(raw)
	return w.located(found, loc)
}

func init() { //nolint:gochecknoinits // requests are judged below this package
	api.ReadUnion("IntervalSchedule", func(raw jsontext.Value) (string, []api.Violation) {
		w, found := readWire(raw)
		return w.class(), found
	})
}

// located puts what is wrong with a schedule at a place.
func (w *wire) located(found []api.Violation, loc []any) []api.Violation {
	if class := w.class(); class != "" {
		loc = append(slices.Clone(loc), class)
	}
	return located(found, loc)
}

func located(found []api.Violation, loc []any) []api.Violation {
	for i := range found {
		found[i].Loc = slices.Concat(loc, found[i].Loc)
	}
	return found
}

// wire is a schedule being read.
type wire struct {
	raw      jsontext.Value
	kind     string // interval, cron or rrule
	members  map[string]jsontext.Value
	schedule Schedule

	text     string // the expression or rule
	timezone *string
	seconds  float64
	anchor   time.Time
	anchored bool
	dayOr    bool
}

// class is the name of the kind's schema in the contract, "" of what is of no kind.
func (w *wire) class() string {
	return map[string]string{"interval": "IntervalSchedule", "cron": "CronSchedule", "rrule": "RRuleSchedule"}[w.kind]
}

// violation is about a member, or without one about the whole schedule.
func (w *wire) violation(member, kind, msg string) api.Violation {
	v := api.Violation{Type: kind, Msg: msg, Input: w.raw}
	if member != "" {
		v.Loc = []any{member}
	}
	if input, ok := w.members[member]; ok {
		v.Input = input
	}
	return v
}

// refusal words the error of a constructor as a violation.
func (w *wire) refusal(member string, err error) api.Violation {
	return w.violation(member, "value_error", "Value error, "+err.Error())
}

// readWire reads a schedule and makes it, or tells what is wrong.
func readWire(raw jsontext.Value) (*wire, []api.Violation) {
	w := &wire{raw: raw, dayOr: true}
	if raw.Kind() != '{' || json.Unmarshal(raw, &w.members, jsontext.AllowDuplicateNames(true)) != nil {
		return w, []api.Violation{{Type: "model_type", Msg: "Input should be a valid schedule object", Input: raw}}
	}
	var kinds []string
	for _, kind := range []string{"interval", "cron", "rrule"} {
		if _, ok := w.members[kind]; ok {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return w, []api.Violation{{Type: "missing", Msg: "Field required: one of interval, cron or rrule", Input: raw}}
	}
	w.kind = kinds[0]
	return w, append(w.read(), w.extras()...)
}

// extras finds members that the kind does not have.
func (w *wire) extras() []api.Violation {
	known := map[string][]string{
		"interval": {"interval", "anchor_date", "timezone"},
		"cron":     {"cron", "timezone", "day_or"},
		"rrule":    {"rrule", "timezone"},
	}[w.kind]
	var found []api.Violation
	for member := range w.members {
		if !slices.Contains(known, member) {
			found = append(found, w.violation(member, "extra_forbidden", "Extra inputs are not permitted"))
		}
	}
	slices.SortFunc(found, func(a, b api.Violation) int {
		return strings.Compare(fmt.Sprint(a.Loc), fmt.Sprint(b.Loc))
	})
	return found
}

func (w *wire) read() (found []api.Violation) {
	if v, ok := w.members["timezone"]; ok && v.Kind() != 'n' {
		var name string
		if json.Unmarshal(v, &name) != nil {
			found = append(found, w.violation("timezone", "string_type", "Input should be a valid string"))
		}
		w.timezone = &name
	}
	_, badZone := loadZone(w.zoneName())
	if badZone != nil {
		w.timezone = nil // what else is wrong is told too
	}
	switch w.kind {
	case "interval":
		found = append(found, w.readInterval()...)
	case "cron":
		found = append(found, w.readCron()...)
	default:
		found = append(found, w.readText(func() (Schedule, error) { return NewRRule(w.text, w.zoneName()) })...)
	}
	if badZone == nil {
		return found
	}
	if w.kind == "rrule" {
		return append(found, w.refusal("timezone", badZone))
	}
	return append(found, w.refusal("", badZone))
}

func (w *wire) zoneName() string {
	if w.timezone == nil {
		return ""
	}
	return *w.timezone
}

// readText reads the expression or rule, of which parse makes the schedule.
func (w *wire) readText(parse func() (Schedule, error)) []api.Violation {
	if json.Unmarshal(w.members[w.kind], &w.text) != nil {
		return []api.Violation{w.violation(w.kind, "string_type", "Input should be a valid string")}
	}
	return w.make(parse())
}

// make takes over what a constructor returns.
func (w *wire) make(s Schedule, err error) []api.Violation {
	if err != nil {
		return []api.Violation{w.refusal(w.kind, err)}
	}
	w.schedule = s
	return nil
}

func (w *wire) readCron() (found []api.Violation) {
	if v, ok := w.members["day_or"]; ok {
		dayOr, err := looseBool(v)
		if err != nil {
			found = append(found, w.violation("day_or", "bool_parsing", err.Error()))
		}
		w.dayOr = dayOr
	}
	return append(found, w.readText(func() (Schedule, error) { return NewCron(w.text, w.zoneName(), w.dayOr) })...)
}

// looseBool accepts the spellings of a boolean that the reference does.
func looseBool(v jsontext.Value) (bool, error) {
	switch strings.ToLower(strings.Trim(string(v), `"`)) {
	case "true", "1", "t", "y", "yes", "on":
		return true, nil
	case "false", "0", "f", "n", "no", "off":
		return false, nil
	}
	return false, errors.New("Input should be a valid boolean, unable to interpret input")
}

func (w *wire) readInterval() (found []api.Violation) {
	var err error
	if v, ok := w.members["anchor_date"]; ok {
		if w.anchor, err = parseAnchor(v); err != nil {
			found = append(found, w.violation("anchor_date", "value_error", "value is not a valid datetime"))
		}
		w.anchored = true
	}
	d, err := api.ParseDuration(w.members["interval"])
	if err != nil {
		return append(found, api.NoDuration(w.members["interval"], err, "interval"))
	}
	w.seconds = d.Seconds()
	name := w.zoneName()
	if name == "" {
		name = "UTC"
	}
	return append(found, w.make(NewInterval(d, w.anchor, name))...)
}

// parseAnchor reads a time of the contract and keeps the offset that it is written with.
func parseAnchor(v jsontext.Value) (time.Time, error) {
	var at api.Time
	if err := json.Unmarshal(v, &at); err != nil {
		return time.Time{}, err
	}
	var text string
	if json.Unmarshal(v, &text) != nil || len(text) < len("2006-01-02T15:04") {
		return at.Time, nil
	}
	i := strings.LastIndexAny(text[len("2006-01-02"):], "+-")
	if i < 0 {
		return at.Time, nil
	}
	offset, err := time.Parse("-0700", strings.ReplaceAll(text[len("2006-01-02")+i:], ":", ""))
	if err != nil {
		return at.Time, nil // the time itself was read, so this was no offset
	}
	return at.In(offset.Location()), nil
}

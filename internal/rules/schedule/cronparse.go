package schedule

import (
	"fmt"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// The fields of a cron expression, in their order.
const (
	minuteField = iota
	hourField
	dayField
	monthField
	weekdayField
	secondField
	yearField
)

// cronField describes what a field of a cron expression may hold.
type cronField struct {
	name     string
	min, max int
	words    []string // names of the values from min on
}

func cronFields() [7]cronField {
	return [7]cronField{
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: "day of month", min: 1, max: 31},
		{name: "month", min: 1, max: 12, words: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{name: "day of week", max: 6, words: strings.Fields("sun mon tue wed thu fri sat")},
		{name: "second", max: 59},
		{name: "year", min: firstYear, max: lastYear},
	}
}

// parseCron reads an expression. Its errors carry the text the reference answers with.
func parseCron(expr string) (cronSpec, error) {
	parts := strings.Fields(cronAlias(strings.ToLower(expr)))
	if len(parts) < 5 || len(parts) > 7 {
		return cronSpec{}, invalidCron(expr, fmt.Errorf("it needs 5, 6 or 7 fields, not %d", len(parts)))
	}
	p := cronParser{parts: parts}
	for i, field := range cronFields() {
		if i >= len(parts) {
			break
		}
		if err := p.field(i, field); err != nil {
			return cronSpec{}, invalidCron(expr, fmt.Errorf("%s: %w", field.name, err))
		}
	}
	if p.random {
		return cronSpec{}, api.Errorf(api.CodeInvalid, "Random and Hashed expressions are unsupported, received: %q", expr)
	}
	if err := p.checkNth(); err != nil {
		return cronSpec{}, invalidCron(expr, err)
	}
	return p.spec(), nil
}

func invalidCron(expr string, why error) error {
	return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("Invalid cron string: %q (%v)", expr, why)}
}

func cronAlias(expr string) string {
	switch expr {
	case "@midnight", "@daily":
		return "0 0 * * *"
	case "@hourly":
		return "0 * * * *"
	case "@weekly":
		return "0 0 * * 0"
	case "@monthly":
		return "0 0 1 * *"
	case "@yearly", "@annually":
		return "0 0 1 1 *"
	}
	return expr
}

// cronParser collects the values of one expression, field by field.
type cronParser struct {
	parts   []string
	values  [7]numbers
	lastDay bool
	nth     [7]uint8
	random  bool
}

func (p *cronParser) spec() cronSpec {
	s := cronSpec{
		minutes: p.values[minuteField], hours: p.values[hourField], days: p.values[dayField],
		months: p.values[monthField], weekdays: p.values[weekdayField],
		seconds: p.values[secondField], years: p.values[yearField],
		lastDay: p.lastDay, nth: p.nth,
	}
	if len(p.parts) <= secondField {
		s.seconds.add(0)
	}
	s.years.all = s.years.all || len(p.parts) <= yearField
	return s
}

func (p *cronParser) field(i int, f cronField) error {
	text := p.parts[i]
	switch {
	case isHashed(text):
		p.random = p.random || text[0] == 'r'
		if text[0] == 'h' {
			return fmt.Errorf("hashed values are not supported")
		}
		return nil
	case text == "?" && (i == dayField || i == weekdayField):
		text = "*"
	}
	for item := range strings.SplitSeq(text, ",") {
		if err := p.item(i, f, item); err != nil {
			return err
		}
	}
	p.widen(i, f)
	return nil
}

// isHashed recognises fields whose value is drawn or hashed: r, h, h(0-29), r/15, …
func isHashed(text string) bool {
	rest := text[1:]
	if text[0] != 'r' && text[0] != 'h' {
		return false
	}
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		span, after, closed := strings.Cut(inner, ")")
		low, high, ranged := strings.Cut(span, "-")
		if !closed || !ranged || !isDigits(low) || !isDigits(high) {
			return false
		}
		rest = after
	}
	step, stepped := strings.CutPrefix(rest, "/")
	return rest == "" || stepped && isDigits(step)
}

// widen makes a field that lists every value the same as a star. A day field stays a
// restriction while the other one is restricted, so that "1-31 * MON" means every day.
func (p *cronParser) widen(i int, f cronField) {
	v := &p.values[i]
	listed := v.count()
	if v.all {
		listed++
	}
	if i == dayField && p.lastDay {
		listed++
	}
	if i == dayField && !strings.Contains(p.parts[weekdayField], "*") ||
		i == weekdayField && !strings.Contains(p.parts[dayField], "*") {
		return
	}
	if listed == f.max-f.min+1 {
		*v = numbers{all: true}
	}
}

// checkNth refuses plain weekdays beside nth ones, unless all of them are listed.
func (p *cronParser) checkNth() error {
	v, plain := p.values[weekdayField], 0
	for weekday, nth := range p.nth {
		if nth == 0 && v.has[0]&(1<<weekday) != 0 {
			plain++
		}
	}
	listed := v.count()
	if v.all {
		listed++
	}
	if p.nth != [7]uint8{} && plain > 0 && listed != 7 {
		return fmt.Errorf("day of week: plain weekdays can't be mixed with the nth or last ones of the month")
	}
	return nil
}

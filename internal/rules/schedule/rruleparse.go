package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// maxRRuleLength is the longest recurrence text, about a year of RDATEs.
const maxRRuleLength = 6500

// defaultStart is where rules without DTSTART begin.
func defaultStart() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// recurrenceText is a parsed recurrence text. single means that it is one rule, not a set.
type recurrenceText struct {
	set        ruleSet
	single     bool
	zonedUntil bool
}

// parseRRule reads a recurrence text; errors say what is wrong with which part.
func parseRRule(text string) (recurrenceText, error) {
	if len(text) > maxRRuleLength {
		return recurrenceText{}, api.Errorf(api.CodeInvalid,
			"Invalid RRule string \"%.40s...\"\nMax length is %d, got %d", text, maxRRuleLength, len(text))
	}
	p := rruleParser{original: text, start: defaultStart()}
	if err := p.parse(); err != nil {
		return recurrenceText{}, &api.Error{
			Code:    api.CodeInvalid,
			Message: fmt.Sprintf("Invalid RRule string \"%s\": %v", text, err),
		}
	}
	return p.out, nil
}

// rruleParser reads the lines of one text.
type rruleParser struct {
	original string // with its letter case, which TZID needs
	start    time.Time
	started  bool // by a DTSTART
	zoned    bool // DTSTART names a zone or UTC
	out      recurrenceText
}

// line is one line of a recurrence text: NAME;PARAM;…:VALUE.
type line struct {
	name   string
	params []string
	value  string
}

func (p *rruleParser) parse() error {
	var lines []line
	for _, text := range strings.Fields(strings.ToUpper(p.original)) {
		lines = append(lines, splitLine(text))
	}
	if len(lines) == 0 {
		return errors.New("it is empty")
	}
	for _, l := range lines { // DTSTART holds for the rules before it as well
		if l.name == "DTSTART" {
			if err := p.readStart(l); err != nil {
				return err
			}
		}
	}
	for _, l := range lines {
		if err := p.readLine(l); err != nil {
			return err
		}
	}
	set := &p.out.set
	if len(set.rules)+len(set.dates)+len(set.exRules)+len(set.exDates) == 0 {
		return errors.New("there is no RRULE or RDATE in it")
	}
	p.out.single = len(set.rules) == 1 && len(set.dates)+len(set.exRules)+len(set.exDates) == 0
	slices.SortFunc(set.dates, time.Time.Compare)
	slices.SortFunc(set.exDates, time.Time.Compare)
	return nil
}

func splitLine(text string) line {
	head, value, ok := strings.Cut(text, ":")
	if !ok {
		return line{name: "RRULE", value: text}
	}
	parts := strings.Split(head, ";")
	return line{name: parts[0], params: parts[1:], value: value}
}

func (p *rruleParser) readLine(l line) error {
	switch l.name {
	case "DTSTART":
		return nil
	case "RRULE":
		return p.addRule(&p.out.set.rules, l)
	case "EXRULE":
		return p.addRule(&p.out.set.exRules, l)
	case "RDATE":
		return p.addDates(&p.out.set.dates, l)
	case "EXDATE":
		return p.addDates(&p.out.set.exDates, l)
	}
	return fmt.Errorf("unsupported property: %s", l.name)
}

func (p *rruleParser) readStart(l line) error {
	zoned, err := p.checkDateParams(l)
	if err != nil {
		return err
	}
	start, inUTC, err := parseDate(l.value)
	if err != nil {
		return err
	}
	if zoned && inUTC {
		return fmt.Errorf("DTSTART %s has a zone besides its TZID", l.value)
	}
	p.start, p.started, p.zoned = start.Truncate(time.Second), true, zoned || inUTC
	return nil
}

// checkDateParams accepts VALUE and TZID, and tells whether the latter names a known zone.
func (p *rruleParser) checkDateParams(l line) (zoned bool, err error) {
	for i, param := range l.params {
		if name, ok := strings.CutPrefix(param, "TZID="); ok {
			_, err := loadZone(p.originalCase(name))
			zoned = err == nil
			continue
		}
		if param != "VALUE=DATE" && param != "VALUE=DATE-TIME" || slices.Contains(l.params[:i], param) {
			return false, fmt.Errorf("unsupported %s parameter: %s", l.name, param)
		}
	}
	return zoned, nil
}

func (p *rruleParser) originalCase(name string) string {
	if i := strings.Index(strings.ToUpper(p.original), name); i >= 0 && i+len(name) <= len(p.original) {
		return p.original[i : i+len(name)]
	}
	return name
}

func (p *rruleParser) addDates(list *[]time.Time, l line) error {
	zoned, err := p.checkDateParams(l)
	if err != nil {
		return err
	}
	if l.name == "RDATE" && (zoned || slices.Contains(l.params, "VALUE=DATE")) {
		return fmt.Errorf("unsupported RDATE parameter: %s", strings.Join(l.params, ";"))
	}
	for text := range strings.SplitSeq(l.value, ",") {
		at, _, err := parseDate(text)
		if err != nil {
			return err
		}
		*list = append(*list, at)
	}
	return nil
}

// parseDate reads a date, with or without a time of day and a zone, and returns the digits
// of the clock. The offset is dropped: all times are in the zone of the schedule.
func parseDate(text string) (wall time.Time, zoned bool, err error) {
	digits, zoned := strings.CutSuffix(text, "Z")
	if t := strings.IndexByte(text, 'T'); t >= 0 && !zoned {
		if i := strings.LastIndexAny(text, "+-"); i > t {
			digits, zoned = text[:i], true
		}
	}
	for _, layout := range [...]string{
		"20060102T150405", "20060102", "20060102T1504", "20060102T15", "2006-01-02T15:04:05", "2006-01-02", "2006-01-02T15:04",
	} {
		if at, err := time.Parse(layout, digits); err == nil {
			return at, zoned, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is not a date; write it like 20260131T090000", text)
}

func (p *rruleParser) addRule(list *[]recurrence, l line) error {
	if len(l.params) > 0 {
		return fmt.Errorf("unsupported %s parameter: %s", l.name, strings.Join(l.params, ";"))
	}
	rule, err := p.parseRule(strings.TrimPrefix(l.value, "RRULE:"))
	if err != nil {
		return err
	}
	*list = append(*list, rule)
	return nil
}

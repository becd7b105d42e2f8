package schedule

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// canonical writes the stored form.
func (w *wire) canonical(now time.Time) (jsontext.Value, error) {
	switch w.kind {
	case "interval":
		return w.canonicalInterval(now)
	case "cron":
		return json.Marshal(struct {
			Cron     string  `json:"cron"`
			Timezone *string `json:"timezone"`
			DayOr    bool    `json:"day_or"`
		}{w.text, w.timezone, w.dayOr})
	}
	if _, given := w.members["timezone"]; !given {
		utc := "UTC"
		w.timezone = &utc
	}
	z, err := loadZone(w.zoneName())
	if err != nil {
		return nil, err
	}
	rule, err := anchorRRule(w.text, z.wall(now))
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		RRule    string  `json:"rrule"`
		Timezone *string `json:"timezone"`
	}{rule, w.timezone})
}

func (w *wire) canonicalInterval(now time.Time) (jsontext.Value, error) {
	anchor := w.anchor
	if !w.anchored {
		anchor = now.UTC()
	}
	if w.timezone == nil {
		utc := "UTC"
		w.timezone = &utc
	}
	return json.Marshal(struct {
		Interval api.Float `json:"interval"`
		Anchor   string    `json:"anchor_date"`
		Timezone *string   `json:"timezone"`
	}{api.Float(w.seconds), anchorText(anchor), w.timezone})
}

// anchorText writes a time like api.Time, but with its own offset.
func anchorText(at time.Time) string {
	at = at.Truncate(time.Microsecond)
	if at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04:05Z07:00")
	}
	return at.Format("2006-01-02T15:04:05.000000Z07:00")
}

// anchorRRule gives a rule without DTSTART the one it implies. A plain rule by the minute or
// second starts at its last time before the wall-clock time now, to be cheap to continue.
func anchorRRule(text string, now time.Time) (string, error) {
	if strings.Contains(strings.ToUpper(text), "DTSTART") {
		return text, nil
	}
	parsed, err := parseRRule(text)
	if err != nil || parsed.zonedUntil { // a DTSTART without zone does not go with a zoned UNTIL
		return text, err
	}
	start := defaultStart()
	if parsed.single && now.After(start) {
		if rule := parsed.set.rules[0]; rule.freq >= minutely && rule.count < 0 {
			period := time.Duration(rule.interval) * time.Minute
			if rule.freq == secondly {
				period = time.Duration(rule.interval) * time.Second
			}
			start = start.Add(now.Sub(start) / period * period)
		}
	}
	return "DTSTART:" + start.Format("20060102T150405") + "\n" + text, nil
}

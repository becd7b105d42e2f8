package deploy

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/rules/schedule"
)

// entry is one schedule as the API takes it; fields that were not given stay absent.
type entry struct {
	schedule       jsontext.Value
	active         api.Opt[bool]
	parameters     api.Opt[jsontext.Value]
	slug, replaces api.Opt[string]
	policy         api.Opt[api.SchedulePolicy]
}

// schedules reads a deployment's schedules; a broken one is told by its number.
func schedules(list []any, now time.Time) ([]entry, error) {
	var out []entry
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok || len(object) == 0 {
			continue
		}
		e, err := readSchedule(object, now)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "schedule %d: %w", i+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// CheckSchedule says what is wrong with a schedule as files have them.
func CheckSchedule(object map[string]any, now time.Time) error {
	_, err := readSchedule(object, now)
	return err
}

func readSchedule(object map[string]any, now time.Time) (entry, error) {
	timing, err := timing(object)
	if err != nil {
		return entry{}, err
	}
	raw, err := jobtemplate.Encode(timing)
	if err != nil {
		return entry{}, err
	}
	e := entry{}
	if e.schedule, err = schedule.Canonical(raw, now); err != nil {
		return entry{}, err
	}
	if e.policy, err = policy(object["policy"]); err != nil {
		return entry{}, err
	}
	if active, ok := boolean(object["active"]); ok {
		e.active = api.Some(active)
	} else if object["active"] != nil {
		return entry{}, api.Errorf(api.CodeInvalid, "active must be true or false, got %q", jobtemplate.Text(object["active"]))
	}
	if parameters := object["parameters"]; truthy(parameters) {
		encoded, err := jobtemplate.Encode(parameters)
		if err != nil {
			return entry{}, err
		}
		e.parameters = api.Some(encoded)
	}
	if slug, ok := object["slug"].(string); ok && slug != "" {
		e.slug = api.Some(slug)
	}
	if replaces, ok := object["replaces"].(string); ok && replaces != "" {
		e.replaces = api.Some(replaces)
	}
	return e, nil
}

// timing is the part of a schedule that says when.
func timing(object map[string]any) (map[string]any, error) {
	if nested, ok := object["schedule"].(map[string]any); ok {
		return nested, nil
	}
	out := map[string]any{}
	if zone := object["timezone"]; zone != nil {
		out["timezone"] = zone
	} else if !truthy(object["cron"]) { // a cron schedule keeps the difference between none and UTC
		out["timezone"] = "UTC"
	}
	switch {
	case truthy(object["cron"]):
		out["cron"] = object["cron"]
		if dayOr, ok := boolean(object["day_or"]); ok {
			out["day_or"] = dayOr
		}
	case truthy(object["interval"]):
		out["interval"] = object["interval"]
		if anchor := object["anchor_date"]; truthy(anchor) {
			out["anchor_date"] = anchor
		}
	case truthy(object["rrule"]):
		return recurrence(jobtemplate.Text(object["rrule"]), object["timezone"], out)
	default:
		return nil, api.Errorf(api.CodeInvalid, "it has none of cron, interval and rrule")
	}
	return out, nil
}

// recurrence is a rule as text, or as JSON with a time zone of its own.
func recurrence(text string, zone any, out map[string]any) (map[string]any, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		out["rrule"] = text
		return out, nil
	}
	object, err := jobtemplate.ParseObject([]byte(text))
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "the rrule is not valid JSON: %w", err)
	}
	if zone != nil {
		object["timezone"] = zone
	}
	return object, nil
}

// boolean reads a boolean, also as the text that a template leaves.
func boolean(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true", "t", "yes", "y", "on", "1":
			return true, true
		case "false", "f", "no", "n", "off", "0":
			return false, true
		}
	}
	return false, false
}

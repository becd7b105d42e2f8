package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/schedule"
)

var canonicalForms = []struct{ in, want string }{
	{`{"interval":3600}`, `{"interval":3600.0,"anchor_date":"2026-11-23T11:53:24.216723Z","timezone":"UTC"}`},
	{`{"interval":0.5,"timezone":""}`, `{"interval":0.5,"anchor_date":"2026-11-23T11:53:24.216723Z","timezone":""}`},
	{`{"interval":"PT1H","anchor_date":"2026-01-01T09:00:00"}`, `{"interval":3600.0,"anchor_date":"2026-01-01T09:00:00Z","timezone":"UTC"}`},
	{`{"interval":"P1DT30M","anchor_date":"2026-01-01T09:00:00-05:00","timezone":null}`, `{"interval":88200.0,"anchor_date":"2026-01-01T09:00:00-05:00","timezone":"UTC"}`},
	{`{"interval":"1 day, 00:00:00","anchor_date":"2026-01-01"}`, `{"interval":86400.0,"anchor_date":"2026-01-01T00:00:00Z","timezone":"UTC"}`},
	{`{"interval":"00:00:01.5","anchor_date":1767225600}`, `{"interval":1.5,"anchor_date":"2026-01-01T00:00:00Z","timezone":"UTC"}`},
	{`{"interval":60,"anchor_date":"2026-01-01T09:00:00.5Z","timezone":"America/New_York"}`, `{"interval":60.0,"anchor_date":"2026-01-01T09:00:00.500000Z","timezone":"America/New_York"}`},

	{`{"cron":"0 9 * * *"}`, `{"cron":"0 9 * * *","timezone":null,"day_or":true}`},
	{`{"timezone":"","cron":"@daily","day_or":"no"}`, `{"cron":"@daily","timezone":"","day_or":false}`},

	{`{"rrule":"FREQ=DAILY"}`, `{"rrule":"DTSTART:20200101T000000\nFREQ=DAILY","timezone":"UTC"}`},
	{`{"rrule":"freq=daily","timezone":null}`, `{"rrule":"DTSTART:20200101T000000\nfreq=daily","timezone":null}`},
	{`{"rrule":"FREQ=MINUTELY;INTERVAL=7"}`, `{"rrule":"DTSTART:20261123T115000\nFREQ=MINUTELY;INTERVAL=7","timezone":"UTC"}`},
	{`{"rrule":"FREQ=MINUTELY;INTERVAL=7","timezone":"America/New_York"}`, `{"rrule":"DTSTART:20261123T064900\nFREQ=MINUTELY;INTERVAL=7","timezone":"America/New_York"}`},
	{`{"rrule":"FREQ=SECONDLY"}`, `{"rrule":"DTSTART:20261123T115324\nFREQ=SECONDLY","timezone":"UTC"}`},
	{`{"rrule":"FREQ=SECONDLY;COUNT=5"}`, `{"rrule":"DTSTART:20200101T000000\nFREQ=SECONDLY;COUNT=5","timezone":"UTC"}`},
	{`{"rrule":"dtstart:20250101T000000\nRRULE:FREQ=SECONDLY"}`, `{"rrule":"dtstart:20250101T000000\nRRULE:FREQ=SECONDLY","timezone":"UTC"}`},
	{`{"rrule":"FREQ=DAILY;UNTIL=20270101T000000Z"}`, `{"rrule":"FREQ=DAILY;UNTIL=20270101T000000Z","timezone":"UTC"}`},
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 11, 53, 24, 216723000, time.UTC)
	for _, c := range canonicalForms {
		got, err := schedule.Canonical(jsontext.Value(c.in), now)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if string(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
		again, err := schedule.Canonical(got, now.Add(time.Hour))
		if err != nil || string(again) != c.want {
			t.Errorf("%s is not stable: %s, %v", got, again, err)
		}
		if _, err := schedule.Parse(got); err != nil {
			t.Errorf("%s can't be read back: %v", got, err)
		}
	}
}

var refusedForms = []struct{ in, kind, loc, msg string }{
	{`5`, "model_type", "body schedule", "valid schedule object"},
	{`null`, "model_type", "body schedule", "valid schedule object"},
	{`[]`, "model_type", "body schedule", "valid schedule object"},
	{`{}`, "missing", "body schedule", "one of interval, cron or rrule"},
	{`{"foo":1}`, "missing", "body schedule", "one of interval, cron or rrule"},
	{`{"cron":"0 9 * * *","extra":1}`, "extra_forbidden", "body schedule CronSchedule extra", "Extra inputs"},
	{`{"cron":"0 9 * * *","interval":5}`, "extra_forbidden", "body schedule IntervalSchedule cron", "Extra inputs"},
	{`{"interval":0}`, "value_error", "body schedule IntervalSchedule interval", "interval must be positive"},
	{`{"interval":-5}`, "value_error", "body schedule IntervalSchedule interval", "interval must be positive"},
	{`{"interval":"3600"}`, "time_delta_parsing", "body schedule IntervalSchedule interval", "identifier in duration"},
	{`{"interval":"P"}`, "time_delta_parsing", "body schedule IntervalSchedule interval", "input is too short"},
	{`{"interval":"PT1X"}`, "time_delta_parsing", "body schedule IntervalSchedule interval", "quantity invalid in time part"},
	{`{"interval":"nan:00"}`, "time_delta_parsing", "body schedule IntervalSchedule interval", ""},
	{`{"interval":null}`, "time_delta_type", "body schedule IntervalSchedule interval", "valid timedelta"},
	{`{"interval":1e12}`, "time_delta_parsing", "body schedule IntervalSchedule interval", "290 years"},
	{`{"interval":60,"anchor_date":"nope"}`, "value_error", "body schedule IntervalSchedule anchor_date", "not a valid datetime"},
	{`{"interval":60,"anchor_date":null}`, "value_error", "body schedule IntervalSchedule anchor_date", "not a valid datetime"},
	{`{"interval":60,"timezone":"Nowhere/X"}`, "value_error", "body schedule IntervalSchedule", `Invalid timezone: "Nowhere/X"`},
	{`{"cron":5}`, "string_type", "body schedule CronSchedule cron", "valid string"},
	{`{"cron":"x"}`, "value_error", "body schedule CronSchedule cron", `Invalid cron string: "x"`},
	{`{"cron":"61 * * * *"}`, "value_error", "body schedule CronSchedule cron", "minute: 61 is not between 0 and 59"},
	{`{"cron":"r * * * *"}`, "value_error", "body schedule CronSchedule cron", `Random and Hashed expressions are unsupported, received: "r * * * *"`},
	{`{"cron":"0 R(0-5)/2 * * *"}`, "value_error", "body schedule CronSchedule cron", "Random and Hashed"},
	{`{"cron":"h * * * *"}`, "value_error", "body schedule CronSchedule cron", `Invalid cron string: "h * * * *"`},
	{`{"cron":"0 9 * * *","day_or":null}`, "bool_parsing", "body schedule CronSchedule day_or", "valid boolean"},
	{`{"cron":"0 9 * * *","day_or":3}`, "bool_parsing", "body schedule CronSchedule day_or", "valid boolean"},
	{`{"cron":"0 9 * * *","timezone":"Local"}`, "value_error", "body schedule CronSchedule", "Invalid timezone"},
	{`{"cron":"0 9 * * *","timezone":"../etc/passwd"}`, "value_error", "body schedule CronSchedule", "Invalid timezone"},
	{`{"cron":"0 9 * * *","timezone":7}`, "string_type", "body schedule CronSchedule timezone", "valid string"},
	{`{"rrule":5}`, "string_type", "body schedule RRuleSchedule rrule", "valid string"},
	{`{"rrule":""}`, "value_error", "body schedule RRuleSchedule rrule", `Invalid RRule string "": it is empty`},
	{`{"rrule":"FREQ=NOPE"}`, "value_error", "body schedule RRuleSchedule rrule", `Invalid RRule string "FREQ=NOPE": invalid 'FREQ': NOPE`},
	{`{"rrule":"INTERVAL=2"}`, "value_error", "body schedule RRuleSchedule rrule", "FREQ is missing"},
	{`{"rrule":"FREQ=DAILY;FOO=1"}`, "value_error", "body schedule RRuleSchedule rrule", "unknown parameter 'FOO'"},
	{`{"rrule":"FREQ=DAILY;INTERVAL=0"}`, "value_error", "body schedule RRuleSchedule rrule", "INTERVAL must be 1 or more"},
	{`{"rrule":"FREQ=SECONDLY;COUNT=2000000"}`, "value_error", "body schedule RRuleSchedule rrule", "COUNT must be 1000000 or less"},
	{`{"rrule":"DTSTART:20260101T090000"}`, "value_error", "body schedule RRuleSchedule rrule", "no RRULE or RDATE"},
	{`{"rrule":"FREQ=HOURLY;INTERVAL=2;BYHOUR=1,3"}`, "value_error", "body schedule RRuleSchedule rrule", "no value of BYHOUR is ever reached"},
	{`{"rrule":"DTSTART:20260101T090000\nRRULE:FREQ=DAILY;UNTIL=20270101T000000Z"}`, "value_error", "body schedule RRuleSchedule rrule", "UNTIL and DTSTART"},
	{`{"rrule":"DTSTART:tomorrow\nRRULE:FREQ=DAILY"}`, "value_error", "body schedule RRuleSchedule rrule", "is not a date"},
	{`{"rrule":"EXRULE;X=1:FREQ=DAILY"}`, "value_error", "body schedule RRuleSchedule rrule", "unsupported EXRULE parameter: X=1"},
}

func TestRefusedForms(t *testing.T) {
	t.Parallel()
	for _, c := range refusedForms {
		found := schedule.Check(jsontext.Value(c.in), "body", "schedule")
		if len(found) != 1 {
			t.Errorf("%s: got %v, want one violation", c.in, found)
			continue
		}
		v := found[0]
		var loc []string
		for _, part := range v.Loc {
			loc = append(loc, part.(string))
		}
		if v.Type != c.kind || strings.Join(loc, " ") != c.loc || !strings.Contains(v.Msg, c.msg) {
			t.Errorf("%s: got %s at %s: %s", c.in, v.Type, loc, v.Msg)
		}
		for _, err := range []error{second(schedule.Parse(jsontext.Value(c.in))), second(schedule.Canonical(jsontext.Value(c.in), time.Time{}))} {
			if api.CodeOf(err) != api.CodeInvalid || !strings.Contains(err.Error(), c.msg) {
				t.Errorf("%s: got error %v", c.in, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestParseWantsAnAnchor(t *testing.T) {
	t.Parallel()
	_, err := schedule.Parse(jsontext.Value(`{"interval":60}`))
	var e *api.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "schedule.IntervalSchedule.anchor_date: Field required") {
		t.Errorf("got %v", err)
	}
	var body struct {
		Detail []api.Violation `json:"exception_detail"`
	}
	if err := json.Unmarshal(e.Detail, &body); err != nil || body.Detail[0].Type != "missing" {
		t.Errorf("got detail %s, %v", e.Detail, err)
	}
}

func TestLongRRuleIsRefused(t *testing.T) {
	t.Parallel()
	rule := "FREQ=DAILY;BYMONTHDAY=1" + strings.Repeat(",1", 3300)
	_, err := schedule.NewRRule(rule, "")
	if err == nil || !strings.Contains(err.Error(), "Max length is 6500, got 6623") || len(err.Error()) > 120 {
		t.Errorf("got %v", err)
	}
}

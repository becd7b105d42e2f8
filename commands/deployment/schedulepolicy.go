package deployment

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/rules/moment"
)

// policyOptions are the flags about what a schedule does besides its times.
type policyOptions struct {
	catchUp    string
	limit      int
	overlap    string
	jitter     string
	start, end string
	blackouts  []string
}

func (o *policyOptions) flags(flags *pflag.FlagSet) {
	flags.StringVar(&o.catchUp, "catch-up", "", "what becomes of `missed` times: "+oneOf(api.ScheduleCatchUp("").Values())+" (default skip)")
	flags.IntVar(&o.limit, "catch-up-limit", 0, "make up for at most this many, the latest (default 100)")
	flags.StringVar(&o.overlap, "overlap", "", "what becomes of a run that is due while `another` of the schedule goes on: "+oneOf(api.ScheduleOverlap("").Values())+" (default allow)")
	flags.StringVar(&o.jitter, "jitter", "", "start up to this `long` later: 90s, 5m")
	flags.StringVar(&o.start, "start-date", "", "plan no run before this `time`")
	flags.StringVar(&o.end, "end-date", "", "plan no run after this `time`")
	flags.StringArrayVar(&o.blackouts, "blackout", nil, "plan no run in this `window`: '2026-12-24..2027-01-02', or '0 22 * * 5 for 48h' from each time of a cron line; may be repeated")
}

func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// policy is the policy of the flags, if there is any. zone is the time zone of cron lines.
func (o *policyOptions) policy(now time.Time, zone string) (out api.Opt[api.SchedulePolicy], err error) {
	p := api.SchedulePolicy{}
	if p.CatchUp, err = word[api.ScheduleCatchUp]("--catch-up", o.catchUp, api.ScheduleCatchUp("").Values()); err != nil {
		return out, err
	}
	if p.Overlap, err = word[api.ScheduleOverlap]("--overlap", o.overlap, api.ScheduleOverlap("").Values()); err != nil {
		return out, err
	}
	if o.limit != 0 {
		p.CatchUpLimit = api.Some(o.limit)
	}
	if p.Jitter, err = length("--jitter", o.jitter); err != nil {
		return out, err
	}
	if p.StartDate, err = date("--start-date", o.start, now); err != nil {
		return out, err
	}
	if p.EndDate, err = date("--end-date", o.end, now); err != nil {
		return out, err
	}
	var windows []api.ScheduleBlackout
	for _, text := range o.blackouts {
		b, err := blackout(text, now, zone)
		if err != nil {
			return out, err
		}
		windows = append(windows, b)
	}
	if len(windows) > 0 {
		p.Blackouts = api.Some(windows)
	}
	if raw, err := json.Marshal(&p); err != nil || string(raw) == "{}" {
		return out, err
	}
	return api.Some(p), nil
}

func word[T ~string](flag, text string, words []string) (out api.Opt[T], err error) {
	if text == "" {
		return out, nil
	}
	for _, w := range words {
		if w == strings.ReplaceAll(text, "-", "_") {
			return api.Some(T(w)), nil
		}
	}
	return out, cli.Usagef("%s is %s, not %q", flag, oneOf(words), text)
}

func date(flag, text string, now time.Time) (out api.Opt[api.Time], err error) {
	if text == "" {
		return out, nil
	}
	at, ok := moment.Parse(text, now)
	if !ok {
		return out, cli.Usagef("%s %q is not a time", flag, text).WithHint("say it like '2026-01-31 08:00'")
	}
	return api.Some(api.At(at)), nil
}

func length(flag, text string) (out api.Opt[api.Float], err error) {
	if text == "" {
		return out, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return api.Some(api.Float(seconds)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return out, cli.Usagef("%s: %q is not a length of time", flag, text).WithHint("say it like 90s, 5m or 48h")
	}
	return api.Some(api.Float(d.Seconds())), nil
}

// blackout reads START..END or CRON for LENGTH.
func blackout(text string, now time.Time, zone string) (b api.ScheduleBlackout, err error) {
	if from, to, ok := strings.Cut(text, ".."); ok {
		if b.Start, err = date("--blackout", from, now); err != nil {
			return b, err
		}
		b.End, err = date("--blackout", to, now)
		return b, err
	}
	cron, long, ok := strings.Cut(text, " for ")
	if !ok {
		return b, cli.Usagef("--blackout %q is no window", text).WithHint("say '2026-12-24..2027-01-02' or '0 22 * * 5 for 48h'")
	}
	members := map[string]string{"cron": strings.TrimSpace(cron)}
	if zone != "" {
		members["timezone"] = zone
	}
	windows, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return b, err
	}
	b.Schedule = api.Some(jsontext.Value(windows))
	b.Duration, err = length("--blackout", strings.TrimSpace(long))
	return b, err
}

// describePolicy words a policy in its stored form; empty if there is none.
func describePolicy(raw jsontext.Value) string {
	var p api.SchedulePolicy
	if len(raw) == 0 || json.Unmarshal(raw, &p) != nil {
		return output.Compact(raw)
	}
	var parts []string
	say := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	say(p.CatchUp.IsSet(), "catch up: %s", p.CatchUp.Or(""))
	say(p.CatchUpLimit.IsSet(), "at most %d", p.CatchUpLimit.Or(0))
	say(p.Overlap.IsSet(), "overlap: %s", p.Overlap.Or(""))
	say(p.Jitter.IsSet(), "jitter: %ss", strconv.FormatFloat(float64(p.Jitter.Or(0)), 'f', -1, 64))
	say(p.StartDate.IsSet(), "from %s", output.Stamp(p.StartDate.Ptr()))
	say(p.EndDate.IsSet(), "until %s", output.Stamp(p.EndDate.Ptr()))
	for _, b := range p.Blackouts.Or(nil) {
		say(b.Start.IsSet(), "not %s..%s", output.Stamp(b.Start.Ptr()), output.Stamp(b.End.Ptr()))
		say(b.Schedule.IsSet(), "not %s for %s", describe(b.Schedule.Or(nil)), time.Duration(float64(b.Duration.Or(0))*float64(time.Second)))
	}
	return strings.Join(parts, ", ")
}

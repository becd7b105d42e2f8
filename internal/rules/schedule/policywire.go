package schedule

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// defaultCatchUpLimit and maxBlackouts are bounds of a policy.
const (
	defaultCatchUpLimit = 100
	maxBlackouts        = 100
)

// NewPolicy makes the policy that a request describes, or tells what is wrong with it,
// located from the policy down. That its members are of the right type and size was
// checked when it was decoded.
func NewPolicy(in *api.SchedulePolicy) (*Policy, []api.Violation) {
	p := &Policy{
		CatchUp: in.CatchUp.Or(api.ScheduleCatchUpSkip), Limit: in.CatchUpLimit.Or(defaultCatchUpLimit),
		Overlap: in.Overlap.Or(api.ScheduleOverlapAllow), Jitter: seconds(in.Jitter.Or(0)),
		Start: in.StartDate.Or(api.Time{}).Time, End: in.EndDate.Or(api.Time{}).Time,
	}
	var found []api.Violation
	if isPast(p.Start, p.End) {
		found = append(found, refused("end_date must not be before start_date", "end_date"))
	}
	list := in.Blackouts.Or(nil)
	if len(list) > maxBlackouts {
		found = append(found, refused("a schedule has at most 100 blackouts", "blackouts"))
	}
	for i := range list {
		b, wrong := newBlackout(&list[i])
		p.Blackouts, found = append(p.Blackouts, b), append(found, located(wrong, []any{"blackouts", i})...)
	}
	return p, found
}

func newBlackout(in *api.ScheduleBlackout) (b Blackout, found []api.Violation) {
	start, hasStart := in.Start.Get()
	end, hasEnd := in.End.Get()
	windows, recurs := in.Schedule.Get()
	length, hasLength := in.Duration.Get()
	switch {
	case hasStart && hasEnd && !recurs && !hasLength:
		b = Blackout{Start: start.Time, End: end.Time}
		if !b.Start.Before(b.End) {
			found = append(found, refused("a blackout must end after its start", "end"))
		}
	case recurs && hasLength && !hasStart && !hasEnd:
		w, wrong := readWire(windows)
		if len(wrong) == 0 && w.kind == "interval" && !w.anchored {
			wrong = append(wrong, w.violation("anchor_date", "missing", "Field required"))
		}
		b, found = Blackout{Windows: w.schedule, Length: seconds(length)}, w.located(wrong, []any{"schedule"})
	default:
		found = append(found, refused("a blackout has either start and end, or schedule and duration"))
	}
	return b, found
}

func seconds(f api.Float) time.Duration { return time.Duration(float64(f) * float64(time.Second)) }

func refused(message string, loc ...any) api.Violation {
	return api.Violation{Type: "value_error", Loc: loc, Msg: "Value error, " + message}
}

// CheckPolicy returns what is wrong with a policy that stands at loc of a request.
func CheckPolicy(in api.Opt[api.SchedulePolicy], loc ...any) []api.Violation {
	policy, ok := in.Get()
	if !ok {
		return nil
	}
	_, found := NewPolicy(&policy)
	return located(found, loc)
}

// StoredPolicy is the form in which a policy is kept and answered: nil if it asks for
// nothing.
func StoredPolicy(in api.Opt[api.SchedulePolicy]) (jsontext.Value, error) {
	policy, ok := in.Get()
	if !ok {
		return nil, nil
	}
	raw, err := json.Marshal(&policy)
	if string(raw) == "{}" {
		return nil, err
	}
	return raw, err
}

// ParsePolicy reads a policy in its stored form.
func ParsePolicy(raw jsontext.Value) (*Policy, error) {
	if len(raw) == 0 {
		return &Policy{}, nil
	}
	var in api.SchedulePolicy
	if err := api.Decode(raw, &in); err != nil {
		return nil, err
	}
	p, found := NewPolicy(&in)
	if len(found) > 0 {
		return nil, api.Invalid(raw, located(found, []any{"policy"})...)
	}
	return p, nil
}

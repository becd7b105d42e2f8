package rest

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// violation is one refusal of a part of the body, or of all of it without loc.
func violation(message string, loc ...any) api.Violation {
	return api.Violation{Type: "value_error", Loc: append([]any{"body"}, loc...), Msg: "Value error, " + message}
}

// checkTemplate refuses base job templates that contradict themselves.
func checkTemplate(template *api.Opt[jsontext.Value]) func() []api.Violation {
	return func() []api.Violation {
		raw, ok := template.Get()
		if !ok {
			return nil
		}
		if err := core.CheckTemplate(raw); err != nil {
			v := violation(err.Error(), "base_job_template")
			v.Input = raw
			return []api.Violation{v}
		}
		return nil
	}
}

const twoLimits = "A deployment cannot have both a concurrency limit and a global concurrency limit."

func checkDeployment(in *api.DeploymentCreate) func() []api.Violation {
	return func() (found []api.Violation) {
		if strings.ContainsAny(in.Name, "/%&><") {
			found = append(found, violation("A deployment's name can't have any of the characters / % & > <, which have a meaning in addresses and commands.", "name"))
		}
		if in.ConcurrencyLimit.Or(0) != 0 && in.GlobalConcurrencyLimitID.Ptr() != nil {
			found = append(found, violation(twoLimits))
		}
		for i, s := range in.Schedules.Or(nil) {
			found = append(found, checkSchedule(api.Some(s.Schedule), s.Policy, "body", "schedules", i)...)
		}
		found = append(found, checkParameterSize(in.Parameters)...)
		if len(found) > 0 {
			return found // what is said of all of it comes after its members
		}
		if err := core.CheckDeploymentParameters(in); err != nil {
			found = append(found, violation(err.Error()))
		}
		return found
	}
}

func checkDeploymentUpdate(in *api.DeploymentUpdate) func() []api.Violation {
	return func() (found []api.Violation) {
		if in.ConcurrencyLimit.Or(0) != 0 && in.GlobalConcurrencyLimitID.Ptr() != nil {
			found = append(found, violation(twoLimits))
		}
		for i, s := range in.Schedules.Or(nil) {
			found = append(found, checkSchedule(s.Schedule, s.Policy, "body", "schedules", i)...)
		}
		return append(found, checkParameterSize(in.Parameters)...)
	}
}

// maxParameterSize is how large the parameters of a run or deployment may be.
const maxParameterSize = 524288

// checkParameterSize refuses parameters that are too large, as Python would write them.
func checkParameterSize(parameters api.Opt[jsontext.Value]) []api.Violation {
	raw, ok := parameters.Get()
	if !ok || len(raw) < maxParameterSize/6 {
		return nil
	}
	n := pythonSize(raw)
	if n <= maxParameterSize {
		return nil
	}
	return []api.Violation{violation("Flow run parameters must be less than 524,288 bytes when serialized (got "+thousands(n)+" bytes).", "parameters")}
}

// pythonSize is the length of a value as json.dumps writes it: compact, only ASCII.
func pythonSize(raw jsontext.Value) int {
	compact := raw.Clone()
	if err := compact.Compact(); err != nil {
		return len(raw)
	}
	n := 0
	for _, r := range string(compact) {
		switch {
		case r < 0x80:
			n++
		case r < 0x10000:
			n += len(`\u0000`)
		default:
			n += len(`\ud800\udc00`)
		}
	}
	return n
}

func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

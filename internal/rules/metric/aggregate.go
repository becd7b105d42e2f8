package metric

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Aggregate makes one figure of many measurements.
type Aggregate struct {
	Function    string     `json:"function"`
	Operator    string     `json:"operator"`
	Value       *float64   `json:"value"`
	Level       *float64   `json:"level"`
	Numerator   *Aggregate `json:"numerator"`
	Denominator *Aggregate `json:"denominator"`
	Key         *string    `json:"key"`
	Of          *string    `json:"aggregate"`
}

// simple are the functions that need nothing but their name.
var simple = []string{"COUNT", "SUM", "MEAN", "MIN", "MAX", "STDDEV"}

// ReadAggregates reads the aggregates of a question about a metric.
func ReadAggregates(list []jsontext.Value, of api.PrefectMetric) ([]Aggregate, []api.Violation) {
	out := make([]Aggregate, len(list))
	var found []api.Violation
	for i, raw := range list {
		problem := ""
		if json.Unmarshal(raw, &out[i]) != nil {
			problem = "an aggregate is an object with a function"
		} else {
			problem = out[i].problem(of, true)
		}
		if problem != "" {
			found = append(found, api.Violation{Type: "value_error", Loc: []any{"body", "aggregates", i}, Msg: "Value error, " + problem, Input: raw})
		}
	}
	return out, found
}

// problem says what is wrong with an aggregate, "" when nothing is.
func (a *Aggregate) problem(of api.PrefectMetric, outermost bool) string {
	if a.Function == "" {
		a.Function = implied(a)
	}
	switch {
	case slices.Contains(simple, a.Function):
	case a.Function == "COUNT_IF":
		if a.Operator == "" {
			a.Operator = "=="
		}
		if a.Value == nil || !slices.Contains([]string{"==", "!=", ">", ">=", "<", "<="}, a.Operator) {
			return "COUNT_IF has a value and one of the operators ==, !=, >, >=, < and <="
		}
	case a.Function == "QUANTILE":
		if a.Level == nil || *a.Level < 0 || *a.Level > 1 {
			return "QUANTILE has a level from 0 to 1"
		}
	case a.Function == "RATIO" && outermost:
		if a.Numerator == nil || a.Denominator == nil {
			return "RATIO has a numerator and a denominator"
		}
		if problem := a.Numerator.problem(of, false); problem != "" {
			return problem
		}
		return a.Denominator.problem(of, false)
	case a.Function == "MAP_AGG" && outermost:
		switch {
		case a.Key == nil || a.Of == nil || !slices.Contains([]string{"SUM", "MEAN", "MIN", "MAX", "COUNT"}, *a.Of):
			return "MAP_AGG has a key and one of the aggregates SUM, MEAN, MIN, MAX and COUNT"
		case of != api.PrefectMetricSlaViolationsBySeverity:
			return "MAP_AGG is of sla_violations_by_severity"
		}
	default:
		return "there is no such aggregate here: " + a.Function
	}
	return ""
}

// implied is the function of an aggregate that does not name it.
func implied(a *Aggregate) string {
	switch {
	case a.Value != nil:
		return "COUNT_IF"
	case a.Level != nil:
		return "QUANTILE"
	case a.Numerator != nil:
		return "RATIO"
	case a.Key != nil:
		return "MAP_AGG"
	}
	return "COUNT"
}

// Parts are the digests of a metric's parts, by their label: of violations their severities,
// of all others the one part "".
type Parts map[string]*Digest

// whole is the digest of all parts.
func (p Parts) whole() *Digest {
	if d, isOne := p[""]; isOne && len(p) == 1 {
		return d
	}
	d := &Digest{}
	for _, part := range p {
		d.Merge(part)
	}
	return d
}

// Figure is what the aggregate makes of measurements: a number, an object by labels, or nil
// where there is nothing to make it of.
func (a *Aggregate) Figure(p Parts) any {
	if a.Function == "MAP_AGG" {
		out := map[string]any{}
		for label, part := range p {
			if part.Count > 0 {
				out[label] = (&Aggregate{Function: *a.Of}).of(part)
			}
		}
		return out
	}
	return a.of(p.whole())
}

func (a *Aggregate) of(d *Digest) any {
	switch a.Function {
	case "COUNT":
		return d.Count
	case "COUNT_IF":
		return d.CountIf(a.Operator, *a.Value)
	case "SUM":
		return d.Sum
	case "RATIO":
		over, under := number(a.Numerator.of(d)), number(a.Denominator.of(d))
		if over == nil || under == nil || *under == 0 {
			return nil
		}
		return *over / *under
	}
	if d.Count == 0 {
		return nil
	}
	switch a.Function {
	case "MEAN":
		return d.Mean()
	case "MIN":
		return d.Least
	case "MAX":
		return d.Most
	case "STDDEV":
		return d.Deviation()
	}
	return d.Quantile(*a.Level)
}

func number(v any) *float64 {
	switch v := v.(type) {
	case int64:
		f := float64(v)
		return &f
	case float64:
		return &v
	}
	return nil
}

// Compare orders two figures; what is no number comes first.
func Compare(a, b any) int {
	x, y := number(a), number(b)
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil || y != nil && *x < *y:
		return -1
	case y == nil || *x > *y:
		return 1
	}
	return 0
}

// Level is what a threshold of a metric is compared with: how many, of what is counted, else
// the mean, nil when there is none.
func Level(m api.PrefectMetric, p Parts) *float64 {
	function := "MEAN"
	if m == api.PrefectMetricVolume || m == api.PrefectMetricSlaViolations || m == api.PrefectMetricSlaViolationsBySeverity {
		function = "COUNT"
	}
	return number((&Aggregate{Function: function}).Figure(p))
}

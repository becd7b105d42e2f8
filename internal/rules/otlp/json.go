package otlp

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// number is a number that JSON has as such or as a text.
type number string

// UnmarshalJSON reads both.
func (n *number) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if raw[0] == '"' {
		plain, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return err
		}
		text = string(plain)
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("%q is no number", text)
	}
	*n = number(text)
	return nil
}

type jsonPoints struct {
	DataPoints []struct {
		At      number  `json:"timeUnixNano"`
		Decimal *number `json:"asDouble"`
		Integer *number `json:"asInt"`
	} `json:"dataPoints"`
}

type jsonOthers struct {
	DataPoints []jsontext.Value `json:"dataPoints"`
}

type jsonRequest struct {
	Resources []struct {
		Resource struct {
			Attributes []struct {
				Key   string `json:"key"`
				Value struct {
					Text string `json:"stringValue"`
				} `json:"value"`
			} `json:"attributes"`
		} `json:"resource"`
		Scopes []struct {
			Metrics []struct {
				Name        string     `json:"name"`
				Unit        string     `json:"unit"`
				Gauge       jsonPoints `json:"gauge"`
				Sum         jsonPoints `json:"sum"`
				Histogram   jsonOthers `json:"histogram"`
				Exponential jsonOthers `json:"exponentialHistogram"`
				Summary     jsonOthers `json:"summary"`
			} `json:"metrics"`
		} `json:"scopeMetrics"`
	} `json:"resourceMetrics"`
}

// ReadJSON reads a request in OTLP's encoding as JSON.
func ReadJSON(body []byte) (*Metrics, error) {
	var in jsonRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	all := make([]resource, len(in.Resources))
	for i, from := range in.Resources {
		for _, a := range from.Resource.Attributes {
			if a.Key == runAttribute {
				all[i].run = a.Value.Text
			}
		}
		for _, scope := range from.Scopes {
			for _, m := range scope.Metrics {
				out := metric{name: m.Name, unit: m.Unit, others: len(m.Histogram.DataPoints) + len(m.Exponential.DataPoints) + len(m.Summary.DataPoints)}
				for _, points := range []jsonPoints{m.Gauge, m.Sum} {
					for _, p := range points.DataPoints {
						at, _ := strconv.ParseUint(string(p.At), 10, 64) //nolint:errcheck // 0 is no time
						one := point{nanoseconds: at}
						for _, value := range []*number{p.Decimal, p.Integer} {
							if value != nil {
								one.value, _ = strconv.ParseFloat(string(*value), 64) //nolint:errcheck // it was read as one
								one.hasValue = true
							}
						}
						out.points = append(out.points, one)
					}
				}
				all[i].metrics = append(all[i].metrics, out)
			}
		}
	}
	return metrics(all), nil
}

// Answer is the answer as JSON that says what was not taken.
type Answer struct {
	Partial *Partial `json:"partialSuccess,omitzero"`
}

// Partial says what was not taken, and why.
type Partial struct {
	Rejected string `json:"rejectedDataPoints"`
	Why      string `json:"errorMessage"`
}

// AnswerJSON is AnswerProtobuf as JSON.
func (m *Metrics) AnswerJSON() Answer {
	if m.Rejected == 0 {
		return Answer{}
	}
	return Answer{&Partial{strconv.Itoa(m.Rejected), m.Why}}
}

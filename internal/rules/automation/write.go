package automation

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// The wire forms of a trigger, with the members in the contract's order.
type (
	wireEvent struct {
		Type         string         `json:"type"`
		ID           uuid.UUID      `json:"id"`
		Match        jsontext.Value `json:"match"`
		MatchRelated jsontext.Value `json:"match_related"`
		After        []string       `json:"after"`
		Expect       []string       `json:"expect"`
		ForEach      []string       `json:"for_each"`
		Posture      string         `json:"posture"`
		Threshold    int            `json:"threshold"`
		Within       api.Float      `json:"within"`
	}

	wireMetric struct {
		Type         string                 `json:"type"`
		ID           uuid.UUID              `json:"id"`
		Match        jsontext.Value         `json:"match"`
		MatchRelated jsontext.Value         `json:"match_related"`
		Posture      string                 `json:"posture"`
		Metric       api.MetricTriggerQuery `json:"metric"`
	}

	wireComposite struct {
		Type     string         `json:"type"`
		ID       uuid.UUID      `json:"id"`
		Triggers []Trigger      `json:"triggers"`
		Within   *api.Float     `json:"within"`
		Require  jsontext.Value `json:"require,omitzero"`
	}
)

// MarshalJSONTo writes the trigger as it is stored and answered.
func (t Trigger) MarshalJSONTo(enc *jsontext.Encoder) error {
	if t.Type == TypeEvent {
		e := &t.Event
		return json.MarshalEncode(enc, wireEvent{
			t.Type, t.ID, e.Match, e.MatchRelated, e.After, e.Expect, e.ForEach, e.Posture, e.Threshold, api.Seconds(e.Within),
		})
	}
	if t.Type == TypeMetric {
		m := &t.Metric
		return json.MarshalEncode(enc, wireMetric{
			t.Type, t.ID, t.Match, t.MatchRelated, t.Posture,
			api.MetricTriggerQuery{Name: m.Name, Threshold: api.Float(m.Limit), Operator: m.Operator, Range: api.Seconds(m.Range), FiringFor: api.Seconds(m.FiringFor)},
		})
	}
	w := wireComposite{Type: t.Type, ID: t.ID, Triggers: t.Triggers, Require: t.Require}
	if t.Span != nil {
		seconds := api.Seconds(*t.Span)
		w.Within = &seconds
	}
	return json.MarshalEncode(enc, w)
}

package actionvars

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/jinja"
)

// Model is an object of the API: its members, with moments and ids as such.
type Model struct {
	class string
	kind  string // as in the ids of resources, "" when it has no events
	raw   any
	own   *jinja.Dict
}

// NewModel sees the JSON of an object of the API as one of a class of the reference's.
func NewModel(class, kind string, raw jsontext.Value) (*Model, error) {
	tree, err := jinja.FromJSON(raw)
	if err != nil {
		return nil, err
	}
	m := &Model{class: class, kind: kind, raw: tree, own: jinja.NewDict()}
	if dict, ok := understood("", tree).(*jinja.Dict); ok {
		m.own = dict
	}
	m.own = enumerated(class, m.own)
	return m, nil
}

// Set replaces a member.
func (m *Model) Set(name string, value any) { m.own.Set(name, value) }

// Member is a member of the object.
func (m *Model) Member(name string) (any, bool) { return m.own.Get(name) }

// String names the object's class.
func (m *Model) String() string { return m.class + "(...)" }

// TypeName is the object's class.
func (m *Model) TypeName() string { return m.class }

// JSON is the object as the API writes it.
func (m *Model) JSON() any { return m.raw }

// text is a member that is a text, or prints as one.
func (m *Model) text(name string) string {
	switch v, _ := m.own.Get(name); v := v.(type) {
	case string:
		return v
	case uuid.UUID:
		return v.String()
	case time.Time:
		return v.Format(time.DateOnly)
	}
	return ""
}

// free are members whose content is the user's.
var free = []string{"parameters", "payload", "job_variables", "data", "context", "labels", "base_job_template", "parameter_openapi_schema", "inputs"}

// understood turns texts that are moments and ids into such.
func understood(name string, v any) any {
	switch v := v.(type) {
	case string:
		return understoodText(name, v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = understood(name, v[i])
		}
		return out
	case *jinja.Dict:
		if slices.Contains(free, name) {
			return v
		}
		out := jinja.NewDict()
		for _, key := range v.Keys() {
			member, _ := v.Get(key)
			text, _ := key.(string)
			out.Set(key, understood(text, member))
		}
		return out
	}
	return v
}

// enumerations are the members of classes whose texts are of a fixed set, and its class.
// Members of these that are objects, or lists of such, are of the class that is named.
var enumerations = map[string]map[string]string{
	"FlowRunResponse":     {"state_type": "StateType", "state": "State"},
	"TaskRun":             {"state_type": "StateType", "state": "State"},
	"State":               {"type": "StateType"},
	"DeploymentResponse":  {"status": "DeploymentStatus"},
	"WorkPool":            {"status": "WorkPoolStatus"},
	"WorkQueueWithStatus": {"status": "WorkQueueStatus"},
	"Automation":          {"trigger": "EventTrigger"},
	"EventTrigger":        {"posture": "Posture", "triggers": "EventTrigger"}, // compound ones and sequences too
	"Firing":              {"trigger": "EventTrigger", "trigger_states": "TriggerState", "triggering_firings": "Firing"},
}

// enumerated is an object of a class with its enumerations as such.
func enumerated(class string, of *jinja.Dict) *jinja.Dict {
	for name, kind := range enumerations[class] {
		member, _ := of.Get(name)
		switch v := member.(type) {
		case string:
			if v != "" {
				of.Set(name, jinja.Enum{Class: kind, Name: v, Value: v})
			}
		case *jinja.Dict:
			enumerated(kind, v)
		case []any:
			of.Set(name, enumeratedAll(kind, v))
		}
	}
	return of
}

// enumeratedAll is a list of objects of a class, or the set of enumerations that a list of
// texts is.
func enumeratedAll(class string, list []any) any {
	set := make(jinja.Set, 0, len(list))
	for _, v := range list {
		switch v := v.(type) {
		case *jinja.Dict:
			enumerated(class, v)
		case string:
			set = append(set, jinja.Enum{Class: class, Name: v, Value: v})
		}
	}
	if len(set) == 0 && class != "TriggerState" {
		return list
	}
	return set
}

// moments are members that are moments, besides those whose names end in _time.
var moments = []string{"created", "updated", "timestamp", "occurred", "received", "triggered", "last_polled", "pause_timeout", "cache_expiration"}

func understoodText(name, text string) any {
	switch {
	case name == "id" || name == "follows" || strings.HasSuffix(name, "_id"):
		if id, err := uuid.Parse(text); err == nil {
			return id
		}
	case slices.Contains(moments, name) || strings.HasSuffix(name, "_time"):
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at
		}
	}
	return text
}

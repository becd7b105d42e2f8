package actionvars_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/actionvars"
	"github.com/usherhq/usher/internal/rules/jinja"
	"github.com/usherhq/usher/internal/rules/trigger"
)

func TestTemplatesSeeWhatTheReferencesSee(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Automation api.Automation    `json:"automation"`
		Event      api.ReceivedEvent `json:"event"`
		Firing     trigger.Firing    `json:"firing"`
		Vectors    [][]*string       `json:"vectors"` // a template, and its text or nil and the reason
	}
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	const ui = "http://ui.example"
	names, err := actionvars.Names(&record.Automation, &record.Firing, &record.Event, ui)
	if err != nil {
		t.Fatal(err)
	}
	names["flow_run"], names["flow"], names["variables"] = nil, nil, map[string]any{"x": 1}
	env := jinja.Env{Now: time.Now(), Filters: actionvars.Filters(ui)}
	for _, v := range record.Vectors {
		got, err := jinja.Render(*v[0], names, env)
		switch {
		case v[1] == nil && err == nil:
			t.Errorf("%s: %q, want a failure", *v[0], got)
		case v[1] == nil && !strings.HasSuffix(err.Error(), strings.TrimPrefix(*v[2], "Template rendering failed: ")):
			t.Errorf("%s: %v, want %s", *v[0], err, *v[2])
		case v[1] != nil && (err != nil || got != *v[1]):
			t.Errorf("%s: %q, %v, want %q", *v[0], got, err, *v[1])
		}
	}
}

// TestEnumerationsWithinFirings compares with what the reference's templates print of a
// compound trigger's firing.
func TestEnumerationsWithinFirings(t *testing.T) {
	t.Parallel()
	const text = `{"trigger":{"type":"compound","require":"all","within":60,"triggers":[
		{"type":"event","posture":"Reactive","expect":["x"]},
		{"type":"sequence","within":null,"triggers":[{"type":"event","posture":"Proactive","within":20,"expect":["x"]}]}]},
		"trigger_states":["Triggered"],"triggered":"2026-01-01T00:00:00Z","triggering_labels":{},
		"triggering_firings":[{"trigger":{"type":"event","posture":"Reactive"},"trigger_states":["Triggered"],"triggered":"2026-01-01T00:00:00Z"}]}`
	var f trigger.Firing
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	names, err := actionvars.Names(&api.Automation{Trigger: f.Trigger}, &f, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for template, want := range map[string]string{
		"{{ firing.trigger_states }}":                                     "{TriggerState.Triggered}",
		"{{ firing.trigger_states|list }}":                                "[TriggerState.Triggered]",
		"{{ firing.trigger_states|join(',') }}":                           "TriggerState.Triggered",
		"{{ 'Triggered' in firing.trigger_states }}":                      "True",
		"{{ firing.trigger.require }}":                                    "all",
		"{{ firing.trigger.triggers[0].type }}":                           "event",
		"{{ firing.trigger.triggers[0].posture }}":                        "Posture.Reactive",
		"{{ firing.trigger.triggers[1].triggers[0].posture }}":            "Posture.Proactive",
		"{{ firing.triggering_firings[0].trigger_states }}":               "{TriggerState.Triggered}",
		"{{ firing.triggering_firings[0].trigger.posture }}":              "Posture.Reactive",
		"{{ firings[1].trigger_states }}{{ firings[1].trigger.posture }}": "{TriggerState.Triggered}Posture.Reactive",
		"{{ automation.trigger.triggers[0].posture }}":                    "Posture.Reactive",
		"{% for s in firing.trigger_states %}{{ s.value }}{% endfor %}":   "Triggered",
	} {
		if got, err := jinja.Render(template, names, jinja.Env{Now: time.Now()}); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", template, got, err, want)
		}
	}
	if got, err := jinja.Render("{{ firing.trigger_states|tojson }}", names, jinja.Env{Now: time.Now()}); err == nil || !strings.Contains(err.Error(), "Object of type set is not JSON serializable") {
		t.Errorf("a set as JSON is %q, %v", got, err)
	}
}

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

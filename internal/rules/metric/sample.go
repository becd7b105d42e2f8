package metric

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// Sample is one measurement.
type Sample struct {
	Metric string // with the label of its part, if it has one
	At     time.Time
	Value  float64
}

// byPart is the metric of violations of a severity.
func byPart(severity string) string { return violationsPrefix + severity }

const violationsPrefix = "sla_violations."

// Stored are the names under which a metric is kept.
func Stored(m api.PrefectMetric) []string {
	if m != api.PrefectMetricSlaViolations && m != api.PrefectMetricSlaViolationsBySeverity {
		return []string{string(m)}
	}
	var out []string
	for _, severity := range api.SlaSeverity("").Values() {
		out = append(out, byPart(severity))
	}
	return out
}

// PartOf is the part of its metric that a name stands for.
func PartOf(stored string) string {
	part, isPart := strings.CutPrefix(stored, violationsPrefix)
	if !isPart {
		return ""
	}
	return part
}

// MayMatter says whether events of that name can be measured.
func MayMatter(event string) bool {
	return event == "prefect.sla.violation" || strings.HasPrefix(event, "prefect.flow-run.") && event != "prefect.flow-run.heartbeat"
}

// Run are the times of a run, as far as they are still known.
type Run struct{ Expected, Started *api.Time }

// ended are the types of states in which a run has ended.
var ended = []string{"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

// Measure makes measurements of an event: when a run begins for the first time, that there
// is one more and how late it is; when it ends, whether well and after how long. A run whose
// times are not known any more has no lateness and no duration.
func Measure(e *api.ReceivedEvent, run *Run) (out []Sample) {
	at := e.Occurred.Time
	add := func(name string, value float64) { out = append(out, Sample{name, at, value}) }
	state := e.Resource["prefect.state-type"]
	switch {
	case e.Event == "prefect.sla.violation":
		if severity := e.Resource["prefect.sla.severity"]; slices.Contains(api.SlaSeverity("").Values(), severity) {
			add(byPart(severity), 1)
		}
	case state == "RUNNING" && e.Resource["prefect.run-count"] == "1":
		add("volume", 1)
		if run != nil && run.Expected != nil {
			add("lateness", max(at.Sub(run.Expected.Time).Seconds(), 0))
		}
	case slices.Contains(ended, state):
		well := 0.0
		if state == "COMPLETED" {
			well = 1
		}
		add("successes", well)
		if run != nil && run.Started != nil {
			add("duration", max(at.Sub(run.Started.Time).Seconds(), 0))
		}
	}
	return out
}

// Series is what measurements are grouped by: all of what a run belongs to.
type Series struct {
	ID      uuid.UUID
	Related []api.RelatedResource
}

// roles are what runs are grouped by.
var roles = []string{"flow", "deployment", "work-queue", "work-pool", "tag"}

// SeriesOf is the series of an event.
func SeriesOf(related []api.RelatedResource, withTags bool) Series {
	s := Series{Related: []api.RelatedResource{}}
	for _, r := range related {
		if role := r["prefect.resource.role"]; slices.Contains(roles, role) && (withTags || role != "tag") {
			s.Related = append(s.Related, r)
		}
	}
	text, err := json.Marshal(s.Related, json.Deterministic(true))
	if err != nil {
		text = nil // strings can be written
	}
	sum := sha256.Sum256(text)
	s.ID = uuid.UUID(sum[:16])
	return s
}

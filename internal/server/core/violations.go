package core

import (
	"errors"
	"maps"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/sla"
	"github.com/usherhq/usher/internal/store"
)

// violated is the event that tells that an agreement was not kept.
const violated = "prefect.sla.violation"

// severityLabel is the label of the violation's resource that says how bad it is.
const severityLabel = "prefect.sla.severity"

func slaResource(id uuid.UUID) string { return "prefect.sla." + id.String() }

// notYet says when an action can be done.
type notYet struct{ at api.Time }

// Error says when.
func (e notYet) Error() string { return "not before " + isoTime(e.at) }

// actViolation tells that a run has not kept an agreement. Whether it has not, its times
// say: names of states, by which triggers go, are anybody's. One run breaks an agreement
// about single runs once.
func (w *work) actViolation(d *deed) error {
	var members struct {
		Severity string         `json:"sla_severity"`
		Payload  jsontext.Value `json:"sla_payload"`
	}
	if err := json.Unmarshal(d.Stored, &members); err != nil {
		return err
	}
	s, err := maybe(w.Tx.SLA(d.Automation.ID))
	if err != nil {
		return err
	}
	var run *store.FlowRunInTransition
	if id, err := d.flowRun(); err == nil {
		d.involve("flow-run", id, "", "target")
		if run, err = maybe(w.LockFlowRun(id)); err != nil {
			return err
		}
	}
	e := w.about(violated, d.violator(run, s))
	if s != nil && run != nil {
		broken, again := sla.Judge(s.Kind, s.Bound, sla.Times{Expected: run.Run.ExpectedStartTime, Started: run.Run.StartTime, Ended: run.Run.EndTime}, w.now.Time)
		if !again.IsZero() {
			return notYet{api.At(again)}
		}
		if !broken {
			return nil
		}
		if s.Kind == sla.TimeToCompletion || s.Kind == sla.Lateness {
			e.ID = uuid.NewSHA1(s.ID, run.ID[:])
		}
	}
	if len(e.Resource) == 0 {
		return notDone("No flow run could be inferred")
	}
	e.Resource[severityLabel] = members.Severity
	if run != nil {
		e.Related = relatedTo(run)
	}
	e.Related = append(e.Related, api.RelatedResource{
		"prefect.resource.id": slaResource(d.Automation.ID), "prefect.resource.role": "sla", "prefect.resource.name": d.Automation.Name,
	})
	payload := map[string]any{"sla_id": d.Automation.ID, "sla_name": d.Automation.Name, "severity": members.Severity}
	if s != nil {
		payload["sla_type"] = s.Kind
	}
	var more map[string]any
	if err := json.Unmarshal(members.Payload, &more); err != nil {
		return err
	}
	maps.Copy(payload, more)
	if e.Payload, err = json.Marshal(payload, json.Deterministic(true)); err != nil {
		return err
	}
	return w.emit(e)
}

// violator is what has not kept an agreement: the run, or the resource that the agreement
// is about when no run tells.
func (d *deed) violator(run *store.FlowRunInTransition, s *store.SLA) api.Resource {
	switch {
	case run != nil:
		return resource("flow-run", run.ID, run.Name)
	case s != nil && s.Owner != "":
		return api.Resource{"prefect.resource.id": s.Owner}
	case s != nil:
		return api.Resource{"prefect.resource.id": slaResource(s.ID)}
	}
	return nil
}

// untilThen is when an action that could not be done yet can be, nil for other errors.
func untilThen(err error) *api.Time {
	var later notYet
	if errors.As(err, &later) {
		return &later.at
	}
	return nil
}

package states

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const (
	taskRunEvents   = "prefect.task-run"
	taskRunResource = "prefect.task-run."
	flowRunResource = "prefect.flow-run."
	resourceID      = "prefect.resource.id"
	resourceRole    = "prefect.resource.role"
)

// Report is what a client's engine tells of a task run with one of its states. The client
// has decided; the server only records.
type Report struct {
	TaskRunID  uuid.UUID
	FlowRunID  *uuid.UUID
	TaskKey    string
	DynamicKey string
	Columns    Columns
	State      api.State
}

// Columns holds the columns of a task run that a report carries. What is absent is not
// to be touched; null is to be written.
type Columns struct {
	Name                   api.Opt[string]            `json:"name"`
	CacheKey               api.Opt[string]            `json:"cache_key"`
	CacheExpiration        api.Opt[api.Time]          `json:"cache_expiration"`
	TaskVersion            api.Opt[string]            `json:"task_version"`
	EmpiricalPolicy        api.Opt[api.TaskRunPolicy] `json:"empirical_policy"`
	Tags                   api.Opt[[]string]          `json:"tags"`
	Labels                 api.Opt[jsontext.Value]    `json:"labels"`
	TaskInputs             api.Opt[jsontext.Value]    `json:"task_inputs"`
	RunCount               api.Opt[int]               `json:"run_count"`
	FlowRunRunCount        api.Opt[int]               `json:"flow_run_run_count"`
	ExpectedStartTime      api.Opt[api.Time]          `json:"expected_start_time"`
	NextScheduledStartTime api.Opt[api.Time]          `json:"next_scheduled_start_time"`
	StartTime              api.Opt[api.Time]          `json:"start_time"`
	EndTime                api.Opt[api.Time]          `json:"end_time"`
	TotalRunTime           api.Opt[float64]           `json:"total_run_time"` // seconds
}

// IsReport says that an event reports a task run that its client orchestrates.
func IsReport(e *api.ReceivedEvent) bool {
	return strings.HasPrefix(e.Event, taskRunEvents) && e.Resource["prefect.orchestration"] == "client"
}

// ReadReport reads the report that e is (see IsReport). The error, of code invalid, says
// what is missing; such an event can't be recorded.
func ReadReport(e *api.ReceivedEvent) (*Report, error) {
	id, err := objectID(e.Resource[resourceID], taskRunResource)
	if err != nil {
		return nil, err
	}
	flowRun, err := relatedFlowRun(e.Related)
	if err != nil {
		return nil, err
	}
	var payload struct {
		State   *api.StateCreate `json:"validated_state"`
		TaskRun *struct {
			TaskKey    *string `json:"task_key"`
			DynamicKey *string `json:"dynamic_key"`
			Columns
		} `json:"task_run"`
	}
	if err := json.Unmarshal(e.Payload, &payload); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "event %s: its payload is not a task run report: %w", e.ID, err)
	}
	run := payload.TaskRun
	if payload.State == nil || run == nil || run.TaskKey == nil || run.DynamicKey == nil {
		return nil, api.Errorf(api.CodeInvalid,
			"event %s: its payload needs validated_state, and task_run with task_key and dynamic_key", e.ID)
	}
	if typeSet(payload.State.Type) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "event %s: %q is no state type", e.ID, payload.State.Type)
	}
	return &Report{
		TaskRunID: id, FlowRunID: flowRun, TaskKey: *run.TaskKey, DynamicKey: *run.DynamicKey, Columns: run.Columns,
		State: Propose(*payload.State, e.ID, e.Occurred.Time),
	}, nil
}

// relatedFlowRun returns the flow run around the task run, nil when there is none.
func relatedFlowRun(related []api.RelatedResource) (*uuid.UUID, error) {
	for _, resource := range related {
		if resource[resourceRole] == "flow-run" {
			id, err := objectID(resource[resourceID], flowRunResource)
			return &id, err
		}
	}
	return nil, nil
}

func objectID(resource, prefix string) (uuid.UUID, error) {
	text, ok := strings.CutPrefix(resource, prefix)
	if !ok {
		return uuid.Nil, api.Errorf(api.CodeInvalid, "resource id %q does not start with %q", resource, prefix)
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, api.Errorf(api.CodeInvalid, "resource id %q: %w", resource, err)
	}
	return id, nil
}

package contract

import "strings"

// kindOf says what an id called name in a schema called owner is the id of.
func kindOf(owner, name string) string {
	switch name {
	case "flow_id", "flow_ids":
		return "flow"
	case "deployment_id":
		return "deployment"
	case "flow_run_id", "flow_run_ids", "parent_flow_run_id":
		return "run"
	case "task_run_id", "parent_task_run_id":
		return "task"
	case "work_queue_id", "default_queue_id":
		return "queue"
	case "work_pool_id":
		return "pool"
	case "block_type_id":
		return "blocktype"
	case "block_schema_id":
		return "blockschema"
	case "concurrency_limit_ids", "global_concurrency_limit_id":
		return "limit"
	case "infrastructure_document_id", "storage_document_id", "block_document_id", "result_storage_block_id", "default_result_storage_block_id":
		return "blockdocument"
	case "automation_id":
		return "automation"
	}
	for _, k := range ownerKinds {
		if strings.HasPrefix(owner, k[0]) {
			return k[1]
		}
	}
	return ""
}

var ownerKinds = [][2]string{
	{"FlowFilterId", "flow"}, {"FlowRunFilterId", "run"}, {"FlowRunFilterDeploymentId", "deployment"},
	{"FlowRunFilterParentFlowRunId", "run"}, {"FlowRunFilterParentTaskRunId", "task"}, {"TaskRunFilterId", "task"},
	{"TaskRunFilterFlowRunId", "run"}, {"DeploymentFilterId", "deployment"}, {"WorkPoolFilterId", "pool"},
	{"WorkQueueFilterId", "queue"}, {"LogFilterFlowRunId", "run"}, {"LogFilterTaskRunId", "task"},
	{"ArtifactFilterFlowRunId", "run"}, {"ArtifactFilterTaskRunId", "task"}, {"ArtifactFilterId", "artifact"},
	{"ArtifactCollectionFilterFlowRunId", "run"}, {"ArtifactCollectionFilterTaskRunId", "task"},
	{"BlockTypeFilterId", "blocktype"}, {"BlockSchemaFilterBlockTypeId", "blocktype"}, {"BlockSchemaFilterId", "blockschema"},
	{"BlockDocumentFilterBlockTypeId", "blocktype"}, {"BlockDocumentFilterId", "blockdocument"},
	{"VariableFilterId", "variable"}, {"Body_count_deployments_by_flow", "flow"}, {"Body_next_runs_by_flow", "flow"},
	{"Body_count_task_runs_by_flow_run", "run"},
}

// special draws members whose schema says less than the server asks for.
func (d *drawer) special(s schema, owner, name string) (any, bool) {
	switch {
	case name == "work_pool_name" && s.text("type") == "string" && len(d.names["pool"]) > 0:
		return one(d, d.names["pool"]), true
	case name == "limit" && s.text("type") == "integer" && !strings.Contains(owner, "Create") && !strings.Contains(owner, "Update"):
		return one(d, []any{0, 200, 200, 100, 201, -1}), true
	case name == "offset":
		return one(d, []any{0, 0, 0, 1, -1}), true
	case name == "page":
		return one(d, []any{1, 1, 1, 2, 0}), true
	case name == "cron" && s.text("type") == "string":
		return one(d, []any{"0 9 * * *", "*/5 * * * *", "@daily", "not a cron"}), true
	case name == "rrule":
		return one(d, []any{"FREQ=DAILY", "DTSTART:20200101T000000\nFREQ=HOURLY;COUNT=3", "nonsense"}), true
	case name == "timezone":
		return one(d, []any{"UTC", "America/New_York", "Mars/Base"}), true
	case name == "interval" && s.text("type") == "number":
		return one(d, []any{3600, 86400.0, 0.5}), true
	case name == "base_job_template":
		return one(d, templates), true
	case name == "parameter_openapi_schema":
		return one(d, parameterSchemas), true
	case name == "history_interval_seconds":
		return one(d, []any{3600, 86400, 0.5}), true
	case name == "history_start":
		return "2021-06-01T00:00:00Z", true
	case name == "history_end":
		return one(d, []any{"2021-06-02T00:00:00Z", "2021-05-01T00:00:00Z", "2021-06-11T00:00:00Z"}), true
	case name == "work_pool_name" && s.text("type") == "string":
		return one(d, []any{"g-pool", "h-pool", "default-agent-pool", "nobody"}), true
	case name == "work_queue_name" && s.text("type") == "string":
		return one(d, []any{"g-queue", "default", "nobody"}), true
	case name == "logo_url" || name == "documentation_url":
		return one(d, []any{"https://example.com/logo.png", "not a url", "ftp://example.com/x"}), true
	}
	return nil, false
}

var templates = []any{
	map[string]any{},
	map[string]any{"job_configuration": map[string]any{"command": "{{ command }}"}, "variables": map[string]any{"type": "object", "properties": map[string]any{"command": map[string]any{"type": "string", "default": "run"}}}},
	map[string]any{"job_configuration": map[string]any{"command": "{{ other }}"}, "variables": map[string]any{"properties": map[string]any{}}},
	map[string]any{"job_configuration": map[string]any{"a": 1}},
	map[string]any{"job_configuration": map[string]any{"a": 1}, "variables": map[string]any{"properties": map[string]any{"n": map[string]any{"type": "integer", "default": "x"}}}},
}

var parameterSchemas = []any{
	map[string]any{},
	map[string]any{"type": "object", "properties": map[string]any{"k": map[string]any{"type": "string"}}},
	map[string]any{"type": "object", "properties": map[string]any{"k": map[string]any{"type": "integer"}}, "required": []any{"k"}},
	map[string]any{"type": "nonsense"},
}

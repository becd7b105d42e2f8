package intake

// table says where the rows of one of our tables come from.
type table struct {
	name  string // ours
	from  string // the source's, if it has another name
	join  string // joined to t, which is the table
	where string // which rows, if not all
	// columns are the columns by kind: the kind first, then the columns, ours=the source's
	// where the names differ; of two the first that is not null.
	columns []string
}

// currentState joins the current state of a run, which our runs repeat.
func currentState(table string) string {
	return "left join " + table + " state on state.id = t.state_id left join artifact result on result.id = state.result_artifact_id"
}

// stateResult joins the artifact that has the data of a state: the reference keeps it there.
const stateResult = "left join artifact result on result.id = t.result_artifact_id"

// dated adds the columns that most tables have.
func dated(columns ...string) []string {
	return append([]string{"ident id", "moment created updated"}, columns...)
}

// tables lists what is taken over, in an order in which every row finds what it refers
// to. Schedules come last: a server that runs meanwhile makes no run that is still to come.
func tables() []table {
	return []table{
		{name: "flow", columns: dated("text name", "json tags", "object labels")},
		{name: "work_pool", columns: dated(
			"text name type description status", "json base_job_template storage_configuration", "flag is_paused", "whole concurrency_limit",
			"ident default_queue_id last_status_event_id", "moment last_transitioned_status_at",
		)},
		{name: "work_queue", columns: dated(
			"ident work_pool_id", "text name description status", "flag is_paused", "whole concurrency_limit priority", "moment last_polled", "object filter",
		)},
		{name: "worker", columns: dated("ident work_pool_id", "text name status", "moment last_heartbeat_time", "whole heartbeat_interval_seconds")},
		// The leases that held slots stay with the source, so nobody would ever give these back.
		{name: "concurrency_limit_v2", columns: dated("flag active", "text name", "whole limit denied_slots", "real slot_decay_per_second avg_slot_occupancy_seconds")},
		{name: "concurrency_limit", columns: dated("text tag", "whole concurrency_limit", "json active_slots")},
		{name: "variable", columns: dated("text name", "json value tags")},
		{name: "block_type", columns: dated("text name slug logo_url documentation_url description code_example", "flag is_protected")},
		{name: "block_schema", columns: dated("text checksum version", "json fields capabilities", "ident block_type_id")},
		{name: "block_schema_reference", columns: dated("text name", "ident parent_block_schema_id reference_block_schema_id")},
		{name: "block_document", columns: dated("text name block_type_name", "json data", "flag is_anonymous", "ident block_schema_id block_type_id")},
		{name: "block_document_reference", columns: dated("text name", "ident parent_block_document_id reference_block_document_id")},
		{name: "saved_search", columns: dated("text name", "json filters")},
		{name: "automation", columns: dated("text name description", "flag enabled", "json tags trigger actions actions_on_trigger actions_on_resolve")},
		{name: "automation_related_resource", columns: []string{"ident automation_id", "text resource_id", "flag owned=automation_owned_by_resource"}, where: "t.resource_id is not null"},
		{name: "deployment", columns: dated(
			"ident flow_id work_queue_id concurrency_limit_id storage_document_id infrastructure_document_id",
			"text name version description status path entrypoint work_queue_name", "flag paused enforce_parameter_schema", "moment last_polled",
			"json tags parameters job_variables=infra_overrides", "object labels parameter_openapi_schema pull_steps concurrency_options created_by updated_by",
		)},
		{name: "flow_run", join: currentState("flow_run_state"), columns: dated(
			"ident flow_id deployment_id parent_task_run_id work_queue_id infrastructure_document_id state_id",
			"text name deployment_version flow_version idempotency_key work_queue_name infrastructure_pid state_type state_name state_message=state.message",
			"json parameters context empirical_policy tags", "object job_variables labels created_by state_data=result.data|state.data state_details=state.state_details",
			"moment expected_start_time next_scheduled_start_time start_time end_time state_timestamp=state.timestamp",
			"span total_run_time", "whole run_count", "flag auto_scheduled", "maker schedule_id=created_by",
		)},
		{name: "flow_run_state", join: stateResult, columns: stateColumns("flow_run_id")},
		{name: "flow_run_input", columns: dated("ident flow_run_id", "text key value sender")},
		{name: "task_run", join: currentState("task_run_state"), columns: dated(
			"ident flow_run_id state_id", "text name task_key dynamic_key task_version cache_key state_type state_name state_message=state.message",
			"json task_inputs empirical_policy tags", "object labels state_data=result.data|state.data state_details=state.state_details",
			"moment cache_expiration expected_start_time next_scheduled_start_time start_time end_time state_timestamp=state.timestamp",
			"span total_run_time", "whole run_count flow_run_run_count",
		)},
		{name: "task_run_state", join: stateResult, columns: stateColumns("task_run_id")},
		{name: "task_run_state_cache", columns: dated("text cache_key", "moment cache_expiration", "ident task_run_state_id")},
		{name: "artifact", columns: artifactColumns("text key")},
		{name: "artifact_collection", columns: artifactColumns("text key", "ident latest_id")},
		{name: "log", columns: []string{"ident id", "moment created", "text name message", "whole level", "moment timestamp", "ident flow_run_id task_run_id"}},
		{name: "event", from: "events", columns: []string{
			"ident id", "moment occurred received", "text event resource_id", "json resource related related_resource_ids payload", "ident follows",
		}},
		{name: "deployment_schedule", columns: dated("ident deployment_id", "json schedule parameters", "flag active", "whole max_scheduled_runs", "text slug")},
	}
}

func stateColumns(run string) []string {
	return []string{"ident id result_artifact_id " + run, "text type name message", "moment timestamp", "object data=result.data|t.data", "json state_details"}
}

func artifactColumns(own ...string) []string {
	return dated(append(own, "text type description", "object data metadata_", "ident flow_run_id task_run_id")...)
}

// leftBehind are the source's tables that are not taken over, and why that loses nothing.
func leftBehind() map[string]string {
	return map[string]string{
		"agent":                          "agents are gone since Prefect 3; workers are taken over",
		"automation_bucket":              "triggers begin to count anew",
		"automation_event_follower":      "events that waited for another one",
		"composite_trigger_child_firing": "triggers begin to count anew",
		"configuration":                  "settings of the old server; its default result storage is taken over",
		"csrf_token":                     "tokens of sessions with the old server",
		"deployment_version":             "the old server never shows them",
		"event_resources":                "made anew from the events",
	}
}

package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// The functions of this file turn the filter of one entity into a condition on its
// table. A nil filter matches everything.

func flowRunStart(d dialect.SQL) string {
	return d.First("flow_run.start_time", "flow_run.expected_start_time")
}

func flowRunCondition(d dialect.SQL, f *api.FlowRunFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "flow_run.id", f.ID),
		match(d, "flow_run.name", f.Name),
		runTags(d, f.Tags),
		deploymentID(f.DeploymentID),
		workQueueName(f.WorkQueueName),
		stateOf(d, "flow_run", f.State),
		match(d, "flow_run.flow_version", f.FlowVersion),
		moment(flowRunStart(d), "flow_run.start_time", f.StartTime),
		moment("flow_run.end_time", "flow_run.end_time", (*api.FlowRunFilterStartTime)(f.EndTime)),
		between("flow_run.expected_start_time", f.ExpectedStartTime),
		between("flow_run.next_scheduled_start_time", f.NextScheduledStartTime),
		parentFlowRun(f.ParentFlowRunID),
		parentTaskRun(f.ParentTaskRunID),
		match(d, "flow_run.idempotency_key", f.IdempotencyKey),
		madeBy(d, "flow_run.created_by", f.CreatedBy),
		runFlowID(f.FlowID),
		runQueueID(f.WorkQueueID),
		runVersionID(f.DeploymentVersionID),
		runVersionInfo(d, f.DeploymentVersionInfo),
	)
}

func deploymentID(f *api.FlowRunFilterDeploymentId) part {
	if f == nil {
		return nil
	}
	return reference("flow_run.deployment_id", f.Operator, f.Any, f.IsNull)
}

func workQueueName(f *api.FlowRunFilterWorkQueueName) part {
	if f == nil {
		return nil
	}
	return reference("flow_run.work_queue_name", f.Operator, f.Any, f.IsNull)
}

func parentTaskRun(f *api.FlowRunFilterParentTaskRunId) part {
	if f == nil {
		return nil
	}
	return reference("flow_run.parent_task_run_id", f.Operator, f.Any, f.IsNull)
}

func parentFlowRun(f *api.FlowRunFilterParentFlowRunId) part {
	if f == nil {
		return nil
	}
	if f.Any == nil {
		return part{always}
	}
	parents := oneOf("parent.flow_run_id", f.Any)
	return part{is("flow_run.parent_task_run_id in (\n  select parent.id\n  from task_run as parent\n  where parent.workspace_id = flow_run.workspace_id\n  and "+parents.sql+")", parents.args...)}
}

// madeBy filters by who made or changed something, as column tells.
func madeBy(d dialect.SQL, column string, f *api.FlowRunFilterCreatedBy) part {
	if f == nil {
		return nil
	}
	var p part
	if f.ID != nil {
		p = append(p, oneOf("("+d.JSONText(column, "id")+")", idTexts(f.ID)))
	}
	if f.Type != nil {
		p = append(p, oneOf("("+d.JSONText(column, "type")+")", f.Type))
	}
	if f.IsNull != nil {
		p = append(p, null(column, *f.IsNull))
	}
	return part{combine(f.Operator, p)}
}

func runFlowID(f *api.FlowRunFilterFlowId) part {
	if f == nil {
		return nil
	}
	return reference("flow_run.flow_id", f.Operator, f.Any, nil)
}

func runQueueID(f *api.FlowRunFilterWorkQueueId) part {
	if f == nil {
		return nil
	}
	return reference("flow_run.work_queue_id", f.Operator, f.Any, f.IsNull)
}

// runVersionID filters by versions of one deployment, whose runs an index finds.
func runVersionID(f *api.FlowRunFilterDeploymentVersionId) part {
	if f == nil {
		return nil
	}
	of := is("flow_run.deployment_id = ?", f.DeploymentID)
	if f.Any == nil {
		return part{of}
	}
	return part{all(of, oneOf("flow_run.deployment_version_id", f.Any))}
}

func runVersionInfo(d dialect.SQL, f *api.FlowRunFilterDeploymentVersionInfo) part {
	if f == nil {
		return nil
	}
	of := is("flow_run.deployment_id = ?", f.DeploymentID)
	if f.Any == nil {
		return part{of}
	}
	infos := make([]condition, len(f.Any))
	for i, v := range f.Any {
		infos[i] = is("("+d.JSONText("flow_run.deployment_version_info", "type")+") = ?\nand ("+d.JSONText("flow_run.deployment_version_info", "version")+") = ?", v.Type, v.Version)
	}
	return part{all(of, either(infos...))}
}

func idTexts(ids []uuid.UUID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}

func stateOf(d dialect.SQL, table string, f *api.FlowRunFilterState) part {
	if f == nil {
		return nil
	}
	return part{combine(f.Operator, filled(match(d, table+".state_type", f.Type)), filled(match(d, table+".state_name", f.Name)))}
}

// filled drops an empty filter, which under or_ would match everything.
func filled(p part) part {
	if len(p) == 1 && p[0].sql == always.sql {
		return nil
	}
	return p
}

func taskRunCondition(d dialect.SQL, f *api.TaskRunFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "task_run.id", f.ID),
		match(d, "task_run.name", f.Name),
		allTags(d, "task_run.tags", (*api.FlowFilterTags)(f.Tags)),
		stateOf(d, "task_run", (*api.FlowRunFilterState)(f.State)),
		moment("task_run.start_time", "task_run.start_time", (*api.FlowRunFilterStartTime)(f.StartTime)),
		moment("task_run.end_time", "task_run.end_time", (*api.FlowRunFilterStartTime)(f.EndTime)),
		between("task_run.expected_start_time", f.ExpectedStartTime),
		subflows(f.SubflowRuns),
		flowRunOf(f.FlowRunID),
	)
}

func subflows(f *api.TaskRunFilterSubFlowRuns) part {
	if f == nil {
		return nil
	}
	if f.Exists == nil {
		return part{always}
	}
	some := exists("flow_run as subflow", is("subflow.workspace_id = task_run.workspace_id\n  and subflow.parent_task_run_id = task_run.id"))
	if *f.Exists {
		return part{some}
	}
	return part{not(some)}
}

// flowRunOf: is_null_ wins over any_ when true, and gives way to it when false.
func flowRunOf(f *api.TaskRunFilterFlowRunId) part {
	const column = "task_run.flow_run_id"
	switch {
	case f == nil:
		return nil
	case f.IsNull != nil && *f.IsNull:
		return part{null(column, true)}
	case f.Any != nil:
		return part{oneOf(column, f.Any)}
	case f.IsNull != nil:
		return part{null(column, false)}
	}
	return part{always}
}

package store

import (
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// The order functions are what follows "order by". Every order ends in the id, so that
// pages are stable; a time that is missing counts as later than any other.

const flowRunName = "flow_run.name"

func flowRunOrder(d dialect.SQL, sort api.FlowRunSort) string {
	return flowRunOrderOf(d, sort, func(column string) string { return column })
}

// sortedFlowRuns is flowRunOrder for runs that are few and found otherwise: it hides the
// column from the planner, which would like to walk an index in this order.
func sortedFlowRuns(d dialect.SQL, sort api.FlowRunSort) string {
	return flowRunOrderOf(d, sort, func(column string) string {
		if column == flowRunName {
			return column + " || ''"
		}
		return "(" + column + ") + 0"
	})
}

func flowRunOrderOf(d dialect.SQL, sort api.FlowRunSort, by func(column string) string) string {
	switch sort {
	case api.FlowRunSortStartTimeAsc:
		return late(by(flowRunStart(d)), "flow_run.id")
	case api.FlowRunSortStartTimeDesc:
		return early(by(flowRunStart(d)), "flow_run.id")
	case api.FlowRunSortExpectedStartTimeAsc:
		return late(by("flow_run.expected_start_time"), "flow_run.id")
	case api.FlowRunSortExpectedStartTimeDesc:
		return early(by("flow_run.expected_start_time"), "flow_run.id")
	case api.FlowRunSortNameAsc:
		return up(by(flowRunName), "flow_run.id")
	case api.FlowRunSortNameDesc:
		return down(by(flowRunName), "flow_run.id")
	case api.FlowRunSortNextScheduledStartTimeAsc:
		return late(by("flow_run.next_scheduled_start_time"), "flow_run.id")
	case api.FlowRunSortEndTimeDesc:
		return early(by("flow_run.end_time"), "flow_run.id")
	case api.FlowRunSortDurationDesc:
		return down("flow_run.total_run_time", "flow_run.id")
	case api.FlowRunSortLatenessDesc:
		return down("coalesce(flow_run.start_time - flow_run.expected_start_time, 0)", "flow_run.id")
	}
	return "flow_run.id desc"
}

func taskRunOrder(sort api.TaskRunSort) string {
	switch sort {
	case api.TaskRunSortExpectedStartTimeAsc:
		return late("task_run.expected_start_time", "task_run.id")
	case api.TaskRunSortExpectedStartTimeDesc:
		return early("task_run.expected_start_time", "task_run.id")
	case api.TaskRunSortNameAsc:
		return up("task_run.name", "task_run.id")
	case api.TaskRunSortNameDesc:
		return down("task_run.name", "task_run.id")
	case api.TaskRunSortNextScheduledStartTimeAsc:
		return late("task_run.next_scheduled_start_time", "task_run.id")
	case api.TaskRunSortEndTimeDesc:
		return early("task_run.end_time", "task_run.id")
	}
	return "task_run.id desc"
}

func flowOrder(sort api.FlowSort) string { return named("flow", string(sort)) }

func deploymentOrder(sort api.DeploymentSort) string { return named("deployment", string(sort)) }

func variableOrder(sort api.VariableSort) string { return named("variable", string(sort)) }

func automationOrder(sort api.AutomationSort) string { return named("automation", string(sort)) }

// named orders what has a name, by which it is sorted unless the request says otherwise.
func named(table, sort string) string {
	switch sort {
	case "NAME_DESC":
		return down(table+".name", table+".id")
	case "CREATED_DESC":
		return down(table+".created", table+".id")
	case "UPDATED_DESC":
		return down(table+".updated", table+".id")
	case "CREATED_ASC":
		return up(table+".created", table+".id")
	case "UPDATED_ASC":
		return up(table+".updated", table+".id")
	}
	return up(table+".name", table+".id")
}

func artifactOrder(sort api.ArtifactSort) string { return keyed("artifact", string(sort)) }

func artifactCollectionOrder(sort api.ArtifactCollectionSort) string {
	return keyed("artifact_collection", string(sort))
}

func keyed(table, sort string) string {
	switch sort {
	case "CREATED_DESC":
		return down(table+".created", table+".id")
	case "UPDATED_DESC":
		return down(table+".updated", table+".id")
	case "KEY_ASC":
		return late(table+".key", table+".id")
	case "KEY_DESC":
		return early(table+".key", table+".id")
	}
	return table + ".id desc"
}

func blockDocumentOrder(sort api.BlockDocumentSort) string {
	switch sort {
	case api.BlockDocumentSortNameDesc:
		return down("block_document.name", "block_document.id")
	case api.BlockDocumentSortBlockTypeAndNameAsc:
		return "block_document.block_type_name, " + up("block_document.name", "block_document.id")
	}
	return up("block_document.name", "block_document.id")
}

func logOrder(sort api.LogSort) string {
	if sort == api.LogSortTimestampDesc {
		return down("log.timestamp", "log.seq")
	}
	return up("log.timestamp", "log.seq")
}

// workerOrder sorts workers; that they are online is looked at when they are read, so those
// that were heard of last stand for it. Workers tell no version.
func workerOrder(sort api.WorkerSort) string {
	switch sort {
	case api.WorkerSortNameAsc, api.WorkerSortClientVersionAsc:
		return up("name", "id")
	case api.WorkerSortNameDesc, api.WorkerSortClientVersionDesc:
		return down("name", "id")
	case api.WorkerSortLastHeartbeatAsc, api.WorkerSortStatusAsc:
		return up("last_heartbeat_time", "id")
	}
	return down("last_heartbeat_time", "id")
}

func up(column, id string) string   { return column + ", " + id }
func down(column, id string) string { return column + " desc, " + id + " desc" }

// late and early are up and down for columns that may be null.
func late(column, id string) string  { return column + " nulls last, " + id }
func early(column, id string) string { return column + " desc nulls first, " + id + " desc" }

// page is what follows an order; a limit below zero is none.
func page(limit, offset int) condition {
	if limit < 0 {
		return is("\nlimit 9223372036854775807\noffset ?", offset)
	}
	return is("\nlimit ?\noffset ?", limit, offset)
}

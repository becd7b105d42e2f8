package store

import (
	"reflect"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Filters are the filters of one request; what is nil does not filter. A filter on a
// related entity, even an empty one, asks for such an entity to exist.
type Filters struct {
	Flows       *api.FlowFilter
	FlowRuns    *api.FlowRunFilter
	TaskRuns    *api.TaskRunFilter
	Deployments *api.DeploymentFilter
	WorkPools   *api.WorkPoolFilter
	WorkQueues  *api.WorkQueueFilter
}

// The where methods are the conditions of a query on the entity's table, workspace
// included: append the sql to "where", and the args to those before it.

func (tx *Tx) whereFlows(f Filters) condition {
	return all(
		tx.own("flow"),
		flowCondition(tx.sql, f.Flows),
		deploymentsOfFlow(tx.sql, f),
		runsOf("flow_run.flow_id = flow.id", "flow", tx.sql, f),
	)
}

func (tx *Tx) whereFlowRuns(f Filters) condition {
	return all(tx.own("flow_run"), tx.selectsFlowRuns(f))
}

// selectsFlowRuns is whereFlowRuns without the workspace.
func (tx *Tx) selectsFlowRuns(f Filters) condition {
	return all(
		flowRunCondition(tx.sql, f.FlowRuns),
		flowOf("flow_run", tx.sql, f.Flows),
		deploymentOfRun(tx.sql, f.Deployments),
		queueOf("flow_run", tx.sql, f),
		taskRunsOfRun(tx.sql, f.TaskRuns),
	)
}

func (tx *Tx) whereTaskRuns(f Filters) condition {
	return all(
		tx.own("task_run"),
		taskRunCondition(tx.sql, f.TaskRuns),
		runOf("task_run", tx.sql, f),
	)
}

func (tx *Tx) whereDeployments(f Filters) condition {
	return all(
		tx.own("deployment"),
		deploymentCondition(tx.sql, f.Deployments),
		flowOf("deployment", tx.sql, f.Flows),
		runsOf("flow_run.deployment_id = deployment.id", "deployment", tx.sql, f),
		queueOf("deployment", tx.sql, f),
	)
}

func (tx *Tx) whereArtifacts(artifacts *api.ArtifactFilter, f Filters) condition {
	return all(
		tx.own("artifact"),
		artifactCondition(tx.sql, artifacts),
		runOf("artifact", tx.sql, f),
		taskRunOf("artifact", tx.sql, f.TaskRuns),
	)
}

func (tx *Tx) whereArtifactCollections(collections *api.ArtifactCollectionFilter, f Filters) condition {
	return all(
		tx.own("artifact_collection"),
		artifactCollectionCondition(tx.sql, collections),
		runOf("artifact_collection", tx.sql, f),
		taskRunOf("artifact_collection", tx.sql, f.TaskRuns),
	)
}

func (tx *Tx) whereWorkPools(f *api.WorkPoolFilter) condition {
	return all(tx.own("work_pool"), workPoolCondition(tx.sql, f))
}

func (tx *Tx) whereWorkQueues(f *api.WorkQueueFilter) condition {
	return all(tx.own("work_queue"), workQueueCondition(tx.sql, f))
}

func (tx *Tx) whereWorkers(f *api.WorkerFilter) condition {
	return all(tx.own("worker"), workerCondition(tx.sql, f))
}

func (tx *Tx) whereLogs(f *api.LogFilter) condition {
	return all(tx.own("log"), logCondition(tx.sql, f))
}

func (tx *Tx) whereVariables(f *api.VariableFilter) condition {
	return all(tx.own("variable"), variableCondition(tx.sql, f))
}

func (tx *Tx) whereBlockTypes(types *api.BlockTypeFilter, schemas *api.BlockSchemaFilter) condition {
	c := all(tx.own("block_type"), blockTypeCondition(tx.sql, types))
	if schemas == nil {
		return c
	}
	return all(c, exists("block_schema", all(
		is("block_schema.workspace_id = block_type.workspace_id"),
		is("block_schema.block_type_id = block_type.id"),
		blockSchemaCondition(tx.sql, schemas))))
}

func (tx *Tx) whereBlockSchemas(f *api.BlockSchemaFilter) condition {
	return all(tx.own("block_schema"), blockSchemaCondition(tx.sql, f))
}

func (tx *Tx) whereBlockDocuments(documents *api.BlockDocumentFilter, types *api.BlockTypeFilter, schemas *api.BlockSchemaFilter) condition {
	c := all(tx.own("block_document"), blockDocumentCondition(tx.sql, documents))
	if types != nil {
		c = all(c, exists("block_type", all(
			is("block_type.workspace_id = block_document.workspace_id"),
			is("block_type.id = block_document.block_type_id"),
			blockTypeCondition(tx.sql, types))))
	}
	if schemas != nil {
		c = all(c, exists("block_schema", all(
			is("block_schema.workspace_id = block_document.workspace_id"),
			is("block_schema.id = block_document.block_schema_id"),
			blockSchemaCondition(tx.sql, schemas))))
	}
	return c
}

func (tx *Tx) whereAutomations(f *api.AutomationFilter) condition {
	isSLA := exists("sla", is("sla.workspace_id = automation.workspace_id\n  and sla.automation_id = automation.id"))
	return all(tx.own("automation"), automationCondition(tx.sql, f), not(isSLA))
}

// own restricts a table to the workspace of the transaction.
func (tx *Tx) own(table string) condition {
	own := is(table+".workspace_id = ?", tx.workspace)
	if tx.within != nil {
		switch table {
		case FlowRunKind, TaskRunKind, ArtifactKind, "artifact_collection", "log":
			own = all(own, tx.reached(table, table, *tx.within))
		}
	}
	if ids := tx.hidden[table]; len(ids) > 0 {
		return all(own, noneOf(table+".id", ids))
	}
	return own
}

// flowOf and its like below are about the one row that a row of table refers to. No run
// or deployment is without its flow, so a filter by id alone needs no look at flows.
func flowOf(table string, d dialect.SQL, f *api.FlowFilter) condition {
	if f == nil {
		return always
	}
	byID := implied(table+".flow_id", f.Operator, f.ID)
	if byID.sql != always.sql && reflect.DeepEqual(*f, api.FlowFilter{Operator: f.Operator, ID: idsOnly(f.ID)}) {
		return byID
	}
	return all(byID, exists("flow", all(
		is("flow.workspace_id = "+table+".workspace_id"),
		is("flow.id = "+table+".flow_id"),
		flowCondition(d, f))))
}

func idsOnly(m *api.Match[uuid.UUID]) *api.Match[uuid.UUID] { return &api.Match[uuid.UUID]{Any: m.Any} }

func deploymentOfRun(d dialect.SQL, f *api.DeploymentFilter) condition {
	if f == nil {
		return always
	}
	return all(implied("flow_run.deployment_id", f.Operator, f.ID), exists("deployment", all(
		is("deployment.workspace_id = flow_run.workspace_id"),
		is("deployment.id = flow_run.deployment_id"),
		deploymentCondition(d, f))))
}

// queueOf filters the rows of table by their queue and its pool.
func queueOf(table string, d dialect.SQL, f Filters) condition {
	if f.WorkPools == nil && f.WorkQueues == nil {
		return always
	}
	queue := all(
		is("work_queue.workspace_id = "+table+".workspace_id"),
		is("work_queue.id = "+table+".work_queue_id"),
		workQueueCondition(d, f.WorkQueues))
	if f.WorkPools == nil {
		return exists("work_queue", queue)
	}
	return exists("work_queue", all(queue, exists("work_pool", all(
		is("work_pool.workspace_id = work_queue.workspace_id"),
		is("work_pool.id = work_queue.work_pool_id"),
		workPoolCondition(d, f.WorkPools)))))
}

// taskRunsOfRun asks for one task run of the flow run.
func taskRunsOfRun(d dialect.SQL, f *api.TaskRunFilter) condition {
	if f == nil {
		return always
	}
	return exists("task_run", all(
		is("task_run.workspace_id = flow_run.workspace_id"),
		is("task_run.flow_run_id = flow_run.id"),
		taskRunCondition(d, f)))
}

// runsOf asks for one flow run of a row of table that meets the filters on both kinds
// of runs.
func runsOf(link, table string, d dialect.SQL, f Filters) condition {
	if f.FlowRuns == nil && f.TaskRuns == nil {
		return always
	}
	return exists("flow_run", all(
		is("flow_run.workspace_id = "+table+".workspace_id"),
		is(link),
		flowRunCondition(d, f.FlowRuns),
		taskRunsOfRun(d, f.TaskRuns)))
}

// runOf filters the rows of table by the one flow run that they belong to.
func runOf(table string, d dialect.SQL, f Filters) condition {
	if f.Flows == nil && f.FlowRuns == nil && f.Deployments == nil && f.WorkPools == nil && f.WorkQueues == nil {
		return always
	}
	run := exists("flow_run", all(
		is("flow_run.workspace_id = "+table+".workspace_id"),
		is("flow_run.id = "+table+".flow_run_id"),
		flowRunCondition(d, f.FlowRuns),
		flowOf("flow_run", d, f.Flows),
		deploymentOfRun(d, f.Deployments),
		queueOf("flow_run", d, f)))
	if f.FlowRuns == nil {
		return run
	}
	byID := implied(table+".flow_run_id", f.FlowRuns.Operator, f.FlowRuns.ID)
	if table == "task_run" && byID.sql != always.sql && isOnlyRunIDs(f) {
		return byID // the foreign key says that there is such a run
	}
	return all(byID, run)
}

func isOnlyRunIDs(f Filters) bool {
	runs := f.FlowRuns
	return reflect.DeepEqual(f, Filters{FlowRuns: runs, TaskRuns: f.TaskRuns}) &&
		reflect.DeepEqual(*runs, api.FlowRunFilter{Operator: runs.Operator, ID: idsOnly(runs.ID)})
}

func taskRunOf(table string, d dialect.SQL, f *api.TaskRunFilter) condition {
	if f == nil {
		return always
	}
	return exists("task_run", all(
		is("task_run.workspace_id = "+table+".workspace_id"),
		is("task_run.id = "+table+".task_run_id"),
		taskRunCondition(d, f)))
}

// deploymentsOfFlow asks for one deployment of the flow, in one of the pools.
func deploymentsOfFlow(d dialect.SQL, f Filters) condition {
	if f.Deployments == nil && f.WorkPools == nil {
		return always
	}
	return exists("deployment", all(
		is("deployment.workspace_id = flow.workspace_id"),
		is("deployment.flow_id = flow.id"),
		deploymentCondition(d, f.Deployments),
		queueOf("deployment", d, Filters{WorkPools: f.WorkPools})))
}

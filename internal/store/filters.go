package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// The functions of this file turn the filter of one entity into a condition on its
// table. A nil filter matches everything.

func flowCondition(d dialect.SQL, f *api.FlowFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "flow.id", f.ID),
		hasDeployment(f.Deployment),
		match(d, "flow.name", f.Name),
		allTags(d, "flow.tags", f.Tags),
		madeBy(d, "flow.created_by", (*api.FlowRunFilterCreatedBy)(f.CreatedBy)),
		madeBy(d, "flow.updated_by", (*api.FlowRunFilterCreatedBy)(f.UpdatedBy)),
	)
}

func hasDeployment(f *api.FlowFilterDeployment) part {
	if f == nil {
		return nil
	}
	if f.IsNull == nil {
		return part{always}
	}
	some := exists("deployment as of_flow", is("of_flow.workspace_id = flow.workspace_id\n  and of_flow.flow_id = flow.id"))
	if *f.IsNull {
		return part{not(some)}
	}
	return part{some}
}

func deploymentCondition(d dialect.SQL, f *api.DeploymentFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "deployment.id", f.ID),
		match(d, "deployment.name", f.Name),
		flowOrDeploymentName(d, f.FlowOrDeploymentName),
		paused(f.Paused),
		tags(d, "deployment.tags", (*api.FlowRunFilterTags)(f.Tags)),
		match(d, "deployment.work_queue_name", f.WorkQueueName),
		match(d, "deployment.flow_id", f.FlowID),
		match(d, "deployment.work_queue_id", f.WorkQueueID),
		branch(f.Branch),
		branchOf("deployment.base_id", f.Base),
		branchOf("deployment.root_id", (*api.DeploymentFilterBase)(f.Root)),
		madeBy(d, "deployment.created_by", (*api.FlowRunFilterCreatedBy)(f.CreatedBy)),
		madeBy(d, "deployment.updated_by", (*api.FlowRunFilterCreatedBy)(f.UpdatedBy)),
		isScheduleActive(f.IsScheduleActive),
		deploymentStatus(f.Status),
	)
}

func paused(f *api.DeploymentFilterPaused) part {
	if f == nil {
		return nil
	}
	return flag("deployment.paused", f.Eq)
}

// isScheduleActive is the older word for a deployment that is not paused.
func isScheduleActive(f *api.DeploymentFilterIsScheduleActive) part {
	if f == nil {
		return nil
	}
	if f.Eq == nil {
		return part{always}
	}
	return part{is("deployment.paused = ?", !*f.Eq)}
}

func branch(f *api.DeploymentFilterBranch) part {
	if f == nil {
		return nil
	}
	return reference("deployment.branch", f.Operator, f.Any, f.IsNull)
}

// branchOf filters by the deployment of which a branch was made. What is no id names none.
func branchOf(column string, f *api.DeploymentFilterBase) part {
	if f == nil {
		return nil
	}
	if f.Any == nil {
		return part{always}
	}
	ids := []uuid.UUID{}
	for _, text := range f.Any {
		if id, err := uuid.Parse(text); err == nil {
			ids = append(ids, id)
		}
	}
	return part{oneOf(column, ids)}
}

// deploymentStatus: what is disabled has no other status.
func deploymentStatus(f *api.Match[api.DeploymentStatus]) part {
	if f == nil {
		return nil
	}
	if f.Any == nil {
		return part{always}
	}
	return part{oneOf("case when deployment.disabled then 'DISABLED' else deployment.status end", f.Any)}
}

func flag(column string, want *bool) part {
	if want == nil {
		return part{always}
	}
	return part{is(column+" = ?", *want)}
}

func flowOrDeploymentName(d dialect.SQL, f *api.Match[string]) part {
	if f == nil {
		return nil
	}
	if f.Like == nil || *f.Like == "" {
		return part{always}
	}
	return part{either(
		like(d, "deployment.name", *f.Like),
		exists("flow as named", all(
			is("named.workspace_id = deployment.workspace_id"),
			is("named.id = deployment.flow_id"),
			like(d, "named.name", *f.Like))),
	)}
}

func workPoolCondition(d dialect.SQL, f *api.WorkPoolFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "work_pool.id", f.ID),
		match(d, "work_pool.name", f.Name),
		match(d, "work_pool.type", f.Type),
		poolPaused(f.Paused),
		match(d, "work_pool.status", f.Status),
		madeBy(d, "work_pool.created_by", (*api.FlowRunFilterCreatedBy)(f.CreatedBy)),
		madeBy(d, "work_pool.updated_by", (*api.FlowRunFilterCreatedBy)(f.UpdatedBy)),
	)
}

func poolPaused(f *api.WorkPoolFilterPaused) part {
	if f == nil {
		return nil
	}
	return flag("work_pool.is_paused", f.Eq)
}

func workQueueCondition(d dialect.SQL, f *api.WorkQueueFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "work_queue.id", f.ID),
		queueName(d, f.Name),
		madeBy(d, "work_queue.created_by", (*api.FlowRunFilterCreatedBy)(f.CreatedBy)),
		madeBy(d, "work_queue.updated_by", (*api.FlowRunFilterCreatedBy)(f.UpdatedBy)),
	)
}

func queueName(d dialect.SQL, f *api.WorkQueueFilterName) part {
	if f == nil || f.Any == nil && f.Startswith != nil && len(f.Startswith) == 0 { // no beginning says nothing
		return nil
	}
	var c []condition
	if f.Any != nil {
		c = append(c, oneOf("work_queue.name", f.Any))
	}
	if len(f.Startswith) > 0 {
		starts := make([]condition, len(f.Startswith))
		for i, start := range f.Startswith {
			starts[i] = is(d.ILike("work_queue.name"), start+"%")
		}
		c = append(c, either(starts...))
	}
	return part{all(c...)}
}

func workerCondition(d dialect.SQL, f *api.WorkerFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		between("worker.last_heartbeat_time", f.LastHeartbeatTime),
		match(d, "worker.status", f.Status),
		match(d, "worker.name", f.Name),
	)
}

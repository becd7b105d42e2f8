package store

import (
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
	)
}

func paused(f *api.DeploymentFilterPaused) part {
	if f == nil {
		return nil
	}
	return flag("deployment.paused", f.Eq)
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
	)
}

func workQueueCondition(d dialect.SQL, f *api.WorkQueueFilter) condition {
	if f == nil {
		return always
	}
	return combine(f.Operator,
		match(d, "work_queue.id", f.ID),
		queueName(d, f.Name),
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
	)
}

package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// TaskRunsByFlowRun counts the task runs of flow runs, without those that stand for a
// subflow. A flow run that has none is left out.
func (tx *Tx) TaskRunsByFlowRun(flowRuns []uuid.UUID) (map[uuid.UUID]int, error) {
	return tx.countBy("flow_run_id", "task_run", all(tx.own("task_run"), oneOf("flow_run_id", flowRuns), subflows(&api.TaskRunFilterSubFlowRuns{Exists: new(bool)})[0]))
}

// DeploymentsByFlow counts the deployments of flows. A flow that has none is left out.
func (tx *Tx) DeploymentsByFlow(flows []uuid.UUID) (map[uuid.UUID]int, error) {
	return tx.countBy("flow_id", "deployment", all(tx.own("deployment"), oneOf("flow_id", flows)))
}

func (tx *Tx) countBy(column, table string, where condition) (map[uuid.UUID]int, error) {
	counts := map[uuid.UUID]int{}
	err := tx.Query("select "+column+", count(*)\nfrom "+table+"\nwhere "+where.sql+"\ngroup by "+column, where.args, func(row *Row) error {
		var id uuid.UUID
		var n int
		err := row.Scan(&id, &n)
		counts[id] = n
		return err
	})
	return counts, err
}

// NextRun returns the scheduled run of a flow that is to start first.
func (tx *Tx) NextRun(flow uuid.UUID) (*api.SimpleNextFlowRun, error) {
	return one(tx, `
		select id, flow_id, name, state_name, state_type, next_scheduled_start_time
		from flow_run
		where workspace_id = ?
		and flow_id = ?
		and state_type = 'SCHEDULED'
		and next_scheduled_start_time is not null
		order by next_scheduled_start_time, id
		limit 1`, []any{tx.workspace, flow}, func(row *Row) (r api.SimpleNextFlowRun, err error) {
		return r, row.Scan(&r.ID, &r.FlowID, &r.Name, &r.StateName, &r.StateType, &r.NextScheduledStartTime)
	})
}

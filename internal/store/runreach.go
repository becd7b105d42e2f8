package store

import "github.com/google/uuid"

// The kinds of what belongs to a flow run.
const (
	FlowRunKind    = "flow_run"
	TaskRunKind    = "task_run"
	ArtifactKind   = "artifact"
	LeaseKind      = "concurrency_lease"
	FlowKind       = "flow"
	DeploymentKind = "deployment"
	WorkQueueKind  = "work_queue"
	WorkPoolKind   = "work_pool"
)

// Within leaves all but what belongs to a flow run out of what filters find.
func (tx *Tx) Within(run uuid.UUID) { tx.within = &run }

// Reach lets the program of a flow run touch something that it has made.
func (tx *Tx) Reach(run, object uuid.UUID) error {
	_, err := tx.Exec(`
		insert into run_reach (workspace_id, run_id, object_id)
		values (?, ?, ?)
		on conflict do nothing`, tx.workspace, run, object)
	return err
}

// Reaches says whether something belongs to a flow run: the run itself, the flow runs that
// its program has made, and what belongs to these.
func (tx *Tx) Reaches(run uuid.UUID, kind string, id uuid.UUID) (bool, error) {
	where := all(is("o.workspace_id = ?", tx.workspace), is("o.id = ?", id), tx.reached("o", kind, run))
	var n int
	err := tx.QueryRow("select count(*)\nfrom "+kind+" o\nwhere "+where.sql, where.args, &n)
	return n > 0, err
}

// Exists says whether there is a row of a kind.
func (tx *Tx) Exists(kind string, id uuid.UUID) (bool, error) { return tx.has(kind, id) }

// reached restricts a table to what belongs to a flow run.
func (tx *Tx) reached(name, kind string, run uuid.UUID) condition {
	in := func(column string) condition {
		return is(column+" in (\n  select object_id\n  from run_reach\n  where workspace_id = ?\n  and run_id = ?)", tx.workspace, run)
	}
	switch kind {
	case FlowRunKind:
		return in(name + ".id")
	case TaskRunKind:
		return either(in(name+".flow_run_id"), in(name+".id"))
	case LeaseKind:
		held := exists("task_run", all(is("task_run.workspace_id = "+name+".workspace_id"), is("task_run.id = "+name+".holder_id"), in("task_run.flow_run_id")))
		return either(in(name+".id"), in(name+".holder_id"), held)
	case FlowKind, DeploymentKind, WorkQueueKind:
		return exists("flow_run", all(is("flow_run.workspace_id = "+name+".workspace_id"), is("flow_run."+kind+"_id = "+name+".id"), in("flow_run.id")))
	case WorkPoolKind:
		return exists("work_queue", all(is("work_queue.workspace_id = "+name+".workspace_id"), is("work_queue.work_pool_id = "+name+".id"),
			exists("flow_run", all(is("flow_run.workspace_id = work_queue.workspace_id"), is("flow_run.work_queue_id = work_queue.id"), in("flow_run.id")))))
	}
	return in(name + ".flow_run_id") // artifacts and their latest, log lines
}

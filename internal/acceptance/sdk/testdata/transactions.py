"""Transactions: rolled back or committed with the tasks inside."""

from prefect import flow, task
from prefect.transactions import transaction
from seen import equal, flow_run, task_run, task_states

done = []


@task
def writes(what):
    done.append(what)
    return what


@writes.on_rollback
def unwrite(txn):
    done.append("rolled back " + txn.get("what"))


@writes.on_commit
def settle(txn):
    done.append("committed " + txn.get("what"))


@flow
def moves(good):
    with transaction() as txn:
        txn.set("what", "a")
        writes("a")
        if not good:
            raise ValueError("stop")


state = moves(True, return_state=True)
equal(state.name, "Completed")
equal(done, ["a", "committed a"])
equal(task_run(flow_run(state).id, "writes").state.name, "Completed")

done.clear()
state = moves(False, return_state=True)
run = flow_run(state)
equal(run.state.name, "Failed")
equal(done, ["a", "rolled back a"])
# The task itself was done; the server hears of its being undone.
undone = task_run(run.id, "writes")
equal((undone.state.name, undone.state.type.value), ("RolledBack", "COMPLETED"))
task_states(undone.id, "Pending", "Running", "Completed", "RolledBack")

"""Automations from the SDK, from YAML by the CLI, and of deployments: they really fire."""

import subprocess
from datetime import timedelta
from uuid import uuid4

from prefect import flow
from prefect.automations import Automation
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter
from prefect.events import CompoundTrigger, DeploymentEventTrigger, EventTrigger, Posture, SequenceTrigger, emit_event
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.states import Running
from seen import api, equal, eventually, flow_states

thing = {"prefect.resource.id": f"thing.{uuid4()}"}


@flow
def answer(n: int = 0):
    return n


def deployment(name):
    return api.create_deployment(api.create_flow(answer), name)


def runs_now(of):
    return api.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id={"any_": [of]}))


def runs(of, count):
    eventually(lambda: equal(len(runs_now(of)), count), patience=60)
    return runs_now(of)


def on(*events, **more):
    return EventTrigger(expect=set(events), match=thing, posture=Posture.Reactive, **more)


def happen(event, **labels):
    emit_event(event, resource=thing | labels)


def automate(name, trigger, *actions):
    automation = Automation(name=name, trigger=trigger, actions=list(actions)).create()
    equal(Automation.read(name=name).id, automation.id)
    return automation


one, three, both, ordered, own = (deployment(name) for name in ["one", "three", "both", "ordered", "own"])
simple = automate("simple", on("simple"), RunDeployment(deployment_id=one, parameters={"n": 7}))
automate(
    "three", on("counted", threshold=3, within=timedelta(minutes=1), for_each={"size"}), RunDeployment(deployment_id=three)
)
parts = {"triggers": [on("first"), on("second")], "within": 60}
automate("both", CompoundTrigger(require="all", **parts), RunDeployment(deployment_id=both))
automate("ordered", SequenceTrigger(**parts), RunDeployment(deployment_id=ordered))

slow, fast = (api.create_flow_run(answer, state=Running(), name=name).id for name in ["slow", "fast"])
automate(
    "too slow",
    EventTrigger(
        after={"begun"},
        expect={"done"},
        match={"prefect.resource.id": [f"prefect.flow-run.{id}" for id in (slow, fast)]},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        within=timedelta(seconds=10),
    ),
    ChangeFlowRunState(state="CRASHED", name="TooSlow", force=True),
)

pool = api.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4()}", type="process"))
with open("automation.yaml", "w") as file:
    file.write(f"""
name: from yaml
trigger:
  type: event
  posture: Reactive
  expect: [halt]
  match: {{prefect.resource.id: {thing["prefect.resource.id"]}}}
actions:
  - type: pause-work-pool
    work_pool_id: {pool.id}
""")
subprocess.run(["prefect", "automation", "create", "--from-file", "automation.yaml"], check=True)

answer.to_deployment(
    "own", triggers=[DeploymentEventTrigger(expect={"mine"}, match=thing, parameters={"n": 3}, name="owned")]
).apply()

def heard():
    """The reference takes some seconds to know of an automation: say it until it does."""
    happen("simple")
    assert runs_now(one)


eventually(heard, patience=60)
run = runs_now(one)[0]
equal(run.parameters, {"n": 7})
equal((run.created_by.type, run.created_by.id), ("AUTOMATION", simple.id))

for id in (slow, fast):
    emit_event("begun", resource={"prefect.resource.id": f"prefect.flow-run.{id}"})
emit_event("done", resource={"prefect.resource.id": f"prefect.flow-run.{fast}"})
for size in ["small", "big", "small", "big", "small", "small"]:
    happen("counted", size=size)
happen("second")
happen("first")
happen("halt")
happen("mine")

runs(three, 1)
runs(both, 1)
runs(ordered, 0)
happen("second")
runs(ordered, 1)
equal(runs(own, 1)[0].parameters, {"n": 3})
eventually(lambda: equal(api.read_work_pool(pool.name).is_paused, True), patience=60)
eventually(lambda: equal(api.read_flow_run(slow).state.name, "TooSlow"), patience=60)
equal(flow_states(fast), ["Running"])
equal(len(runs(three, 1)), 1)

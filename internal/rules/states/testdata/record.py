#!/usr/bin/env python3
"""Record golden vectors of state transitions from a running Prefect 3.8.3 server.

    python3 record.py --prefect PATH/TO/prefect [--postgres URL] [--only PREFIX]

starts servers of its own on free ports with a private home, drives their REST API over the
matrix of transitions, and writes transitions.json.gz and recorder.json.gz next to itself.
Each case holds what a decision may depend on (the run, its state, limits, parents) before the
request, the request, the answer, and the run after it. Identifiers are renumbered and times
kept, so that a recording is small and a replay can check every field.

--postgres names an empty database (postgresql+asyncpg://...). It is needed for the tag limits
of tasks only: on SQLite the reference deadlocks on them.
"""

import argparse
import datetime as dt
import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import uuid

HERE = pathlib.Path(__file__).parent
CLIENT = "3.8.3"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
RUN_FIELDS = (
    "id", "flow_run_id", "deployment_id", "parent_task_run_id", "infrastructure_pid", "tags", "task_key",
    "run_count", "flow_run_run_count", "empirical_policy", "expected_start_time",
    "next_scheduled_start_time", "start_time", "end_time", "total_run_time", "state",
)  # fmt: skip


class Server:
    """A reference server of our own: started, waited for, spoken to, stopped."""

    def __init__(self, prefect, home, services=False, **settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        env = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        env |= {
            "PREFECT_HOME": home,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        }
        env |= {k.upper(): str(v) for k, v in settings.items()}
        args = [prefect, "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self.log = open(os.path.join(home, f"server-{self.port}.log"), "w+")
        self.process = subprocess.Popen(
            args + ([] if services else ["--no-services"]), env=env, stdout=self.log, stderr=self.log
        )
        self.connection = None
        until(self.healthy, 120)

    def healthy(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            sys.exit("the server stopped:\n" + self.log.read())
        try:
            return self.call("GET", "/health")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None, client=CLIENT):
        headers = {"Content-Type": "application/json"}
        if client:
            headers["User-Agent"] = f"prefect/{client} (API 0.8.4)"
        text = None if body is None else json.dumps(body)
        broken = 0
        for attempt in range(1, 20):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
            try:
                self.connection.request(method, "/api" + path, text, headers)
                answer = self.connection.getresponse()
                data = answer.read()
                if answer.status == 503 and attempt < 19:  # SQLite was busy: nothing was written
                    continue
                return answer.status, json.loads(data) if data else None
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                broken += 1
                if broken > 2:
                    raise

    def ok(self, method, path, body=None, **kw):
        status, answer = self.call(method, path, body, **kw)
        if status >= 300:
            raise RuntimeError(f"{method} {path} {body}: {status} {answer}")
        return answer

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def until(condition, seconds):
    """Wait for condition, polling through a timed wait on an event nobody sets."""
    end = dt.datetime.now() + dt.timedelta(seconds=seconds)
    while not condition():
        if dt.datetime.now() > end:
            raise RuntimeError("condition not met in time")
        threading.Event().wait(0.1)


def now():
    return dt.datetime.now(dt.timezone.utc)


def iso(t):
    return t.isoformat().replace("+00:00", "Z")


def later(seconds):
    return iso(now() + dt.timedelta(seconds=seconds))


def state(type_, name=None, message=None, data=None, **details):
    proposal = {"type": type_, "state_details": details}
    if name:
        proposal["name"] = name
    if message:
        proposal["message"] = message
    if data is not None:
        proposal["data"] = data
    return proposal


PERSISTED = {"type": "reference", "storage_key": "k", "storage_block_id": None, "expiration": None}
UNPERSISTED = {"type": "unpersisted"}
TRANSITION = "11111111-1111-4111-8111-111111111111"


def proposals():
    """Every state a client may propose, fresh, by name."""
    return {
        "scheduled": state("SCHEDULED"),
        "scheduled-future": state("SCHEDULED", scheduled_time=later(3600.25)),
        "late": state("SCHEDULED", "Late", scheduled_time=later(-20)),
        "pending": state("PENDING"),
        "pending-future": state("PENDING", scheduled_time=later(1800.25)),
        "submitting": state("PENDING", "Submitting"),
        "running": state("RUNNING", message="go"),
        "running-named": state("RUNNING", "Custom"),
        "paused": state("PAUSED", pause_key="new", pause_timeout=later(600)),
        "paused-nokey": state("PAUSED", pause_timeout=later(600)),
        "paused-again": state("PAUSED", pause_key="used", pause_timeout=later(600)),
        "suspended": state("PAUSED", "Suspended", pause_key="new", pause_timeout=later(600), pause_reschedule=True),
        "suspended-again": state("PAUSED", "Suspended", pause_key="used", pause_reschedule=True),
        "cancelling": state("CANCELLING"),
        "cancelled": state("CANCELLED", message="enough"),
        "completed": state("COMPLETED"),
        "completed-data": state("COMPLETED", data=PERSISTED),
        "completed-unpersisted": state("COMPLETED", data=UNPERSISTED),
        "failed": state("FAILED", message="boom", data=PERSISTED),
        "crashed": state("CRASHED", message="gone"),
        "repeated": state("RUNNING", transition_id=TRANSITION),
    }


def origins():
    """Every state a run may be in: the states to force one after another (the first creates)."""
    started = [state("PENDING"), state("RUNNING")]
    return {
        "scheduled": [state("SCHEDULED")],
        "scheduled-future": [state("SCHEDULED", scheduled_time=later(3600.25))],
        "scheduled-soon": [state("SCHEDULED", scheduled_time=later(30.25))],
        "late": [state("SCHEDULED"), state("SCHEDULED", "Late", scheduled_time=later(-30))],
        "retry": started + [state("SCHEDULED", "AwaitingRetry", scheduled_time=later(-1))],
        "resuming": started + [state("SCHEDULED", "Resuming")],
        "pending": [state("PENDING")],
        "pending-future": [state("PENDING", scheduled_time=later(900.25))],
        "submitting": [state("PENDING"), state("PENDING", "Submitting")],
        "running": started,
        "running-again": started + [state("RUNNING", transition_id=TRANSITION)],
        "paused": started + [state("PAUSED", pause_key="used", pause_timeout=later(3600))],
        "paused-expired": started + [state("PAUSED", pause_key="used", pause_timeout=later(-60))],
        "paused-forever": started + [state("PAUSED")],
        "suspended": started + [state("PAUSED", "Suspended", pause_timeout=later(3600), pause_reschedule=True)],
        "suspended-expired": started + [state("PAUSED", "Suspended", pause_timeout=later(-9), pause_reschedule=True)],
        "cancelling": started + [state("CANCELLING")],
        "cancelled": started + [state("CANCELLED")],
        "cancelled-unstarted": [state("SCHEDULED"), state("CANCELLED")],
        "completed": started + [state("COMPLETED")],
        "completed-data": started + [state("COMPLETED", data=PERSISTED)],
        "failed": started + [state("FAILED", message="bad")],
        "crashed": started + [state("CRASHED")],
        "none": [],
    }


class Recording:
    """The cases recorded so far and the way to make one."""

    def __init__(self, server, home=None, only=""):
        self.server, self.only = server, only
        self.cases = []
        self.home = home
        self.serial = 0
        self.dead = set()
        self.flow = server.ok("POST", "/flows/", {"name": "f"})["id"]

    def wanted(self, name):
        return name.startswith(self.only)

    # Preparing what a run may depend on.

    def deployment(self, limit=None, strategy=None, grace=None):
        self.serial += 1
        body = {"name": f"d{self.serial}", "flow_id": self.flow}
        if limit is not None:
            body["concurrency_limit"] = limit
        if strategy:
            body["concurrency_options"] = {"collision_strategy": strategy, "grace_period_seconds": grace}
        return self.server.ok("POST", "/deployments/", body)["id"]

    def read_deployment(self, id_):
        status, answer = self.server.call("GET", f"/deployments/{id_}")
        if status == 404:
            return None
        limit = answer["global_concurrency_limit"]
        kept = ("id", "limit", "active", "active_slots")
        return {
            "limit": limit and {k: limit[k] for k in kept},
            "options": answer["concurrency_options"],
        }

    def change_limit(self, deployment, **changes):
        limit = self.server.ok("GET", f"/deployments/{deployment}")["global_concurrency_limit"]["id"]
        self.server.ok("PATCH", f"/v2/concurrency_limits/{limit}", changes)

    def occupy(self, name, slots=1):
        self.server.ok("POST", "/v2/concurrency_limits/increment", {"names": [name], "slots": slots})

    def drop_lease(self, id_):
        self.server.ok("POST", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": id_})
        self.dead.add(id_)

    def run(self, kind, body, path):
        """Create a run and force it along the states of path."""
        self.serial += 1
        body = dict(body)
        if kind == "flow":
            body |= {"flow_id": self.flow}
        else:
            body = {"task_key": f"t{self.serial}", "dynamic_key": "0"} | body
        pid = body.pop("infrastructure_pid", None)
        if path:
            body["state"] = path[0]
        made = self.server.ok("POST", f"/{kind}_runs/", body)["id"]
        for step in path[1:]:
            self.server.ok("POST", f"/{kind}_runs/{made}/set_state", {"state": step, "force": True})
        if pid:
            self.server.ok("PATCH", f"/{kind}_runs/{made}", {"infrastructure_pid": pid})
        if not path:
            self.forget_state(kind, made)
        return made

    def forget_state(self, kind, id_):
        """Take the state of a run away, which no request can."""
        with sqlite3.connect(os.path.join(self.home, "prefect.db"), timeout=60) as db:
            changed = db.execute(
                f"update {kind}_run set state_id=null, state_type=null, state_name=null,"
                " state_timestamp=null, expected_start_time=null where id=?",
                (id_,),
            )
            assert changed.rowcount == 1

    def read(self, kind, id_):
        answer = self.server.ok("GET", f"/{kind}_runs/{id_}")
        kept = {k: answer[k] for k in RUN_FIELDS if k in answer}
        if answer["state"]:
            assert answer["state_type"] == answer["state"]["type"], answer
            assert answer["state_name"] == answer["state"]["name"], answer
        return kept

    # Asking and keeping the answer.

    def ask(self, name, kind, id_, proposal, force=False, client=CLIENT, tags=(), cached=None, **facts):
        before = self.read(kind, id_)
        case = {"name": name, "kind": kind, "proposal": proposal, "before": before, "client": client} | facts
        if force:
            case["force"] = True
        deployment = before.get("deployment_id")
        if deployment:
            case["deployment"] = self.read_deployment(deployment)
            lease = before["state"] and before["state"]["state_details"]["deployment_concurrency_lease_id"]
            case["lease_held"] = bool(lease) and lease not in self.dead
        parent = before.get("parent_task_run_id")
        if parent:
            case["parent"] = {"before": self.read("task", parent)}
        if kind == "task" and before["flow_run_id"]:
            flow = self.read("flow", before["flow_run_id"])
            case["flow_run"] = {"id": flow["id"], "state": flow["state"], "run_count": flow["run_count"]}
        if tags:
            case["tag_limits"] = self.read_tags(tags)
        if cached:
            case["cached"] = cached
        case["asked"] = iso(now())
        status, answer = self.server.call(
            "POST", f"/{kind}_runs/{id_}/set_state", {"state": proposal, "force": force}, client=client
        )
        case["answered"] = iso(now())
        case["code"], case["answer"] = status, answer
        case["after"] = self.read(kind, id_)
        if deployment:
            case["deployment_after"] = self.read_deployment(deployment)
        if parent:
            case["parent"]["after"] = self.read("task", parent)
        if tags:
            case["tag_limits_after"] = self.read_tags(tags)
        self.keep(case)
        return case

    def read_tags(self, tags):
        found = self.server.ok("POST", "/v2/concurrency_limits/filter", {})
        by_name = {limit["name"]: limit for limit in found}
        kept = ("id", "name", "limit", "active", "active_slots")
        return [{k: by_name["tag:" + t][k] for k in kept} for t in tags if "tag:" + t in by_name]

    def keep(self, case):
        self.cases.append(compact(case))
        if len(self.cases) % 100 == 0:
            print(len(self.cases), case["name"], flush=True)


def compact(case):
    """Leave out what is null or said twice, and renumber the identifiers of a case."""
    return shortened(renumbered(prune(case)))


def shortened(case):
    """Keep of what was seen after only what is not as before: null where something is gone."""
    case = dict(case)
    answer = dict(case.get("answer", {}))
    if answer and answer.get("state") == case["after"].get("state"):
        answer.pop("state", None)
        case["answer"] = answer | {"answers_stored_state": True}
    case["after"] = difference(case["before"], case["after"])
    if "parent" in case:
        before = case["parent"]["before"]
        case["parent"] = {"before": before, "after": difference(before, case["parent"]["after"])}
    return case


def difference(before, after):
    changed = {k: v for k, v in after.items() if before.get(k) != v}
    return changed | {k: None for k in before if k not in after}


def renumbered(case):
    text = json.dumps(case)
    numbers = {}

    def renumber(found):
        if found.group() == TRANSITION:
            return TRANSITION
        number = numbers.setdefault(found.group(), len(numbers) + 1)
        return f"00000000-0000-4000-8000-{number:012d}"

    return json.loads(UUID.sub(renumber, text))


def prune(value):
    if isinstance(value, dict):
        return {k: prune(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [prune(v) for v in value]
    return value


# The matrix for flow runs.


def flow_matrix(rec):
    variants = {
        "plain": lambda: {},
        "deployed": lambda: {"deployment_id": rec.deployment()},
        "forced": lambda: {"deployment_id": shared},
        "pid": lambda: {"deployment_id": shared, "infrastructure_pid": "1"},
        "retries": lambda: {"empirical_policy": {"retries": 2, "retry_delay": 7, "pause_keys": ["used"]}},
        "exhausted": lambda: {"empirical_policy": {"retries": 0, "retry_delay": 7, "resuming": True, "retry_type": "in_process"}},
        "subflow": lambda: {"parent_task_run_id": subflow_task()},
        "dangling": lambda: {"deployment_id": str(uuid.uuid4())},
    }  # fmt: skip
    shared = rec.deployment()
    parent = rec.run("flow", {}, [state("RUNNING")])
    few = {"pid": ("cancelling", "cancelled", "running"), "dangling": ("pending", "running", "completed", "scheduled")}

    def subflow_task():
        return rec.run("task", {"flow_run_id": parent}, [state("PENDING")])

    for variant, body in variants.items():
        for origin in origins():
            for target in proposals():
                name = f"flow/{variant}/{origin}/{target}"
                if target not in few.get(variant, proposals()) or not rec.wanted(name):
                    continue
                if origin == "none" and variant not in ("plain", "forced"):
                    continue
                id_ = rec.run("flow", body(), origins()[origin])
                rec.ask(name, "flow", id_, proposals()[target], force=variant == "forced")


def flow_limits(rec):
    """Deployments with a limit: who gets, keeps, loses and gives back the slot."""
    clients = {"new": CLIENT, "unknown": "", "old": "3.4.10", "least": "3.4.11", "managing": "3.0.2"}
    targets = ("scheduled", "pending", "submitting", "running", "paused", "cancelling", "cancelled", "completed",
               "failed", "crashed")  # fmt: skip
    for client, version in clients.items():
        for setup in ("free", "full", "full-enqueue", "full-cancel", "zero", "inactive", "decided", "missing"):
            for origin in origins():
                if origin == "none" or client != "new" and origin not in ("scheduled", "pending", "failed"):
                    continue
                for target in targets if setup == "free" and client == "new" else ("pending", "submitting"):
                    name = f"limit/{client}/{setup}/{origin}/{target}"
                    if not rec.wanted(name):
                        continue
                    deployment = limited(rec, setup)
                    id_ = rec.run("flow", {"deployment_id": deployment}, origins()[origin])
                    arrange(rec, deployment, setup)
                    rec.ask(name, "flow", id_, proposals()[target], client=version)


def limited(rec, setup):
    if setup == "missing":
        return str(uuid.uuid4())
    strategy = {"full-enqueue": "ENQUEUE", "full-cancel": "CANCEL_NEW", "decided": "CANCEL_NEW"}.get(setup)
    return rec.deployment(1, strategy, 90 if setup == "decided" else None)


def arrange(rec, deployment, setup):
    """Bring a limit into the wanted shape, after the run was led to its origin through it."""
    if setup.startswith("full"):
        rec.occupy(f"deployment:{deployment}")
    if setup == "inactive":
        rec.change_limit(deployment, active=False)
    if setup == "zero":
        rec.change_limit(deployment, limit=0)


def flow_leases(rec):
    """A run that holds a slot: every way on from PENDING, RUNNING and after."""
    ways = {
        "pending": ["pending"],
        "submitting": ["pending", "submitting"],
        "running": ["pending", "running"],
        "cancelling": ["pending", "running", "cancelling"],
        "paused": ["pending", "running", "paused"],
        "suspended": ["pending", "running", "suspended"],
        "failed": ["pending", "running", "failed"],
    }
    for client, version in {"new": CLIENT, "unknown": "", "old": "3.4.10", "least": "3.4.11"}.items():
        for lease in ("held", "lost", "lost-full"):
            for way, steps in ways.items():
                for target in proposals():
                    name = f"lease/{client}/{lease}/{way}/{target}"
                    if client != "new" and target not in ("running", "cancelling", "completed", "submitting"):
                        continue
                    if not rec.wanted(name):
                        continue
                    deployment = rec.deployment(1)
                    id_ = rec.run("flow", {"deployment_id": deployment}, [state("SCHEDULED")])
                    for i, step in enumerate(steps):
                        rec.ask(f"{name}/step{i}", "flow", id_, proposals()[step], client=version)
                    current = rec.read("flow", id_)["state"]
                    if lease != "held":
                        rec.drop_lease(current["state_details"]["deployment_concurrency_lease_id"])
                    if lease == "lost-full":
                        status, _ = rec.server.call(
                            "POST",
                            "/v2/concurrency_limits/increment",
                            {"names": [f"deployment:{deployment}"], "slots": 1},
                        )
                        assert status in (200, 423)
                    rec.ask(name, "flow", id_, proposals()[target], client=version)
                    if target == "running" and way == "pending":
                        rec.ask(name + "/end", "flow", id_, proposals()["completed"], client=version)


def flow_sequences(rec):
    """Whole lives, asking at every step, where one step depends on the ones before."""
    lives = {
        "retry": ({"empirical_policy": {"retries": 2, "retry_delay": 0}}, "pending running failed running failed running failed running completed-data failed completed"),
        "retry-resume": ({"empirical_policy": {"retries": 1}}, "running paused running paused running failed running paused running"),
        "pause": ({}, "running paused running paused-again paused-nokey running paused completed"),
        "suspend": ({"deployment_id": rec.deployment()}, "running suspended scheduled pending submitting running suspended-again completed scheduled pending running"),
        "rerun": ({}, "running completed running failed running crashed running cancelled running"),
        "reschedule": ({"deployment_id": rec.deployment()}, "running crashed scheduled pending running failed scheduled late pending running completed"),
        "cancel": ({"infrastructure_pid": "7"}, "scheduled cancelling completed cancelled running"),
        "twice": ({}, "running repeated repeated running repeated"),
        "resent": ({"deployment_id": rec.deployment()}, "pending* pending* running* running* paused* paused* running crashed* crashed* scheduled* scheduled* cancelling* cancelling* running* completed-data* completed-data* running"),
        "limited": ({"deployment_id": rec.deployment(2)}, "pending submitting running paused running failed running completed scheduled pending running cancelling cancelled"),
        "limited-suspend": ({"deployment_id": rec.deployment(1)}, "pending running suspended scheduled pending running completed"),
        "deprecated": ({"empirical_policy": {"max_retries": 1, "retry_delay_seconds": 3}}, "running failed failed"),
    }  # fmt: skip
    for life, (body, steps) in lives.items():
        if not rec.wanted(f"life/{life}"):
            continue
        id_ = rec.run("flow", body, [state("SCHEDULED")])
        for i, step in enumerate(steps.split()):
            proposal = proposals()[step.strip("*")]
            if step.endswith("*"):  # the client sends the very same transition again
                proposal["state_details"]["transition_id"] = str(uuid.uuid5(uuid.UUID(TRANSITION), step))
            rec.ask(f"life/{life}/{i}-{step}", "flow", id_, proposal)
    for soon in (0.3, 1.2, 2.2, 59.75):
        if rec.wanted("wait/"):
            id_ = rec.run("flow", {}, [state("SCHEDULED", scheduled_time=later(soon))])
            rec.ask(f"wait/{soon}", "flow", id_, proposals()["running"])


# The matrix for task runs.


def task_matrix(rec):
    flows = {
        "running": [state("PENDING"), state("RUNNING")],
        "pending": [state("PENDING")],
        "paused": [state("RUNNING"), state("PAUSED", pause_timeout=later(3600), pause_reschedule=True)],
        "completed": [state("RUNNING"), state("COMPLETED")],
        "rerun": [state("RUNNING"), state("RUNNING"), state("RUNNING")],
        "none": [],
    }
    made = {name: rec.run("flow", {}, path) for name, path in flows.items()}
    variants = {
        "alone": lambda: {},
        "running": lambda: {"flow_run_id": made["running"]},
        "rerun": lambda: {"flow_run_id": made["rerun"]},
        "forced": lambda: {"flow_run_id": made["running"]},
        "deferred": lambda: {},
        "deferred-in": lambda: {"flow_run_id": made["pending"]},
        "pending": lambda: {"flow_run_id": made["pending"]},
        "paused": lambda: {"flow_run_id": made["paused"]},
        "completed": lambda: {"flow_run_id": made["completed"]},
        "none": lambda: {"flow_run_id": made["none"]},
        "retries": lambda: {"empirical_policy": {"retries": 1, "retry_delay": 5}},
    }
    few = {v: ("running", "pending", "completed", "failed") for v in
           ("pending", "paused", "completed", "none", "retries", "deferred-in")}  # fmt: skip
    for variant, body in variants.items():
        for origin in origins():
            for target in proposals():
                name = f"task/{variant}/{origin}/{target}"
                if target not in few.get(variant, proposals()) or not rec.wanted(name):
                    continue
                if origin == "none" and variant not in ("alone", "running", "forced", "deferred"):
                    continue
                id_ = rec.run("task", body(), origins()[origin])
                proposal = proposals()[target]
                if variant.startswith("deferred"):
                    proposal["state_details"] |= {"deferred": True}
                rec.ask(name, "task", id_, proposal, force=variant == "forced")


def task_retries(rec):
    policies = {
        "scalar": {"retries": 2, "retry_delay": 3},
        "float": {"retries": 2, "retry_delay": 1.5},
        "list": {"retries": 3, "retry_delay": [1, 20, 300]},
        "short": {"retries": 3, "retry_delay": [4, 8]},
        "jitter": {"retries": 3, "retry_delay": 100, "retry_jitter_factor": 0.5},
        "jitter-list": {"retries": 3, "retry_delay": [10, 100], "retry_jitter_factor": 2.0},
        "jitter-zero": {"retries": 3, "retry_delay": 0, "retry_jitter_factor": 0.5},
        "large-jitter": {"retries": 1, "retry_delay": 10, "retry_jitter_factor": 60},
        "unset": {},
        "deprecated": {"max_retries": 1, "retry_delay_seconds": 2},
    }
    for policy, body in policies.items():
        for retriable in (None, True, False):
            name = f"retry/{policy}/{retriable}"
            if not rec.wanted(name):
                continue
            id_ = rec.run("task", {"empirical_policy": body}, [state("PENDING")])
            for i in range(5):
                rec.ask(f"{name}/{i}-running", "task", id_, proposals()["running"], force=i > 0)
                failed = proposals()["failed"]
                if retriable is not None:
                    failed["state_details"] |= {"retriable": retriable}
                rec.ask(f"{name}/{i}-failed", "task", id_, failed)


def task_lives(rec):
    flow = rec.run("flow", {}, [state("RUNNING")])
    lives = {
        "retry": {"empirical_policy": {"retries": 1}},
        "plain": {},
    }
    for life, body in lives.items():
        if rec.wanted(f"tasklife/{life}"):
            id_ = rec.run("task", body | {"flow_run_id": flow}, [state("PENDING")])
            for i, step in enumerate("running failed running failed running completed running completed-data running failed".split()):
                rec.ask(f"tasklife/{life}/{i}-{step}", "task", id_, proposals()[step])
    if not rec.wanted("tasklife/deferred"):
        return
    id_ = rec.run("task", {"empirical_policy": {"retries": 1}}, [state("PENDING")])
    for i, step in enumerate("scheduled pending running failed pending running failed".split()):
        proposal = proposals()[step]
        proposal["state_details"] |= {"deferred": True}
        if step == "scheduled":
            proposal["state_details"] |= {"task_parameters_id": str(uuid.uuid4())}
        rec.ask(f"tasklife/deferred/{i}-{step}", "task", id_, proposal)


def task_caching(rec):
    kinds = {
        "fresh": {},
        "forever": {"cache_expiration": None},
        "valid": {"cache_expiration": later(3600)},
        "expired": {"cache_expiration": later(-60)},
        "long": {},
        "longest": {},
    }
    for kind, details in kinds.items():
        for origin in ("pending", "retry", "completed", "completed-data", "failed", "paused", "none"):
            for refresh in (None, False, True):
                for deferred in (False, True):
                    name = f"cache/{kind}/{origin}/{refresh}/{deferred}"
                    if not rec.wanted(name):
                        continue
                    rec.serial += 1
                    key = f"key{rec.serial}"
                    key += "x" * ({"long": 2001, "longest": 2000}.get(kind, len(key)) - len(key))
                    seed = rec.run("task", {}, [state("PENDING"), state("RUNNING")])
                    cached = None
                    if kind != "fresh":
                        case = rec.ask(
                            name + "/seed", "task", seed,
                            state("COMPLETED", data=PERSISTED, cache_key=key, **details),
                        )  # fmt: skip
                        cached = case["answer"]["state"] if kind != "expired" else None
                    id_ = rec.run("task", {}, origins()[origin])
                    running = state("RUNNING", cache_key=key, refresh_cache=refresh, deferred=deferred)
                    rec.ask(name, "task", id_, running, cached=cached)


def task_limits(rec):
    """Tag limits, which need a server on PostgreSQL."""
    setups = {
        "one": {"a": (1, 0, True)},
        "full": {"a": (1, 1, True)},
        "zero": {"a": (0, 0, True)},
        "inactive": {"a": (1, 0, False)},
        "inactive-full": {"a": (0, 0, False), "b": (2, 1, True)},
        "two": {"a": (2, 0, True), "b": (3, 1, True)},
        "second-full": {"a": (2, 0, True), "b": (1, 1, True)},
        "both-full": {"a": (4, 4, True), "b": (1, 1, True)},
        "zero-first": {"a": (0, 0, True), "b": (1, 1, True)},
    }
    flow = rec.run("flow", {}, [state("RUNNING")])
    for setup, limits in setups.items():
        for origin in ("pending", "scheduled-future", "retry", "failed", "completed-data", "running"):
            name = f"tags/{setup}/{origin}"
            if not rec.wanted(name):
                continue
            rec.serial += 1
            tags = {t: f"{t}{rec.serial}" for t in limits}
            for t, (limit, taken, active) in limits.items():
                rec.server.ok(
                    "POST",
                    "/v2/concurrency_limits/",
                    {"name": "tag:" + tags[t], "limit": limit, "active": True},
                )
                if taken:
                    rec.occupy("tag:" + tags[t], taken)
                if not active:
                    rec.server.ok("PATCH", f"/v2/concurrency_limits/tag:{tags[t]}", {"active": False})
            names = list(tags.values())
            id_ = rec.run("task", {"flow_run_id": flow, "tags": names + ["free"]}, origins()[origin])
            rec.ask(name + "/0-running", "task", id_, proposals()["running"], tags=names)
            for i, step in enumerate(("running", "failed", "running", "cancelling", "completed"), 1):
                if setup in ("one", "two"):
                    rec.ask(f"{name}/{i}-{step}", "task", id_, proposals()[step], tags=names)


# What services do: late runs, expired pauses.


def services(rec, deployments):
    late = []
    for setup in deployments:
        if rec.wanted(f"late/{setup}"):
            body = {"deployment_id": deployments[setup]} if deployments[setup] else {}
            id_ = rec.run("flow", body, [state("SCHEDULED", scheduled_time=later(-60))])
            late.append((f"late/{setup}", id_))
    for name, id_ in late:
        # The service may have been quicker than this: the first of the states is what it saw.
        until(lambda: rec.read("flow", id_)["state"]["name"] != "Scheduled", 60)
        states = rec.server.ok("GET", f"/flow_run_states/?flow_run_id={id_}")
        after = rec.read("flow", id_)
        deployment = after["deployment_id"]
        before = dict(after, state=states[0], run_count=0, end_time=None, start_time=None)
        before["next_scheduled_start_time"] = before["expected_start_time"]
        found = deployment and rec.read_deployment(deployment)
        rec.keep({
            "name": name, "kind": "flow", "policy": "late", "before": before, "after": after,
            "deployment": found, "deployment_after": found, "client": "",
            "proposal": state("SCHEDULED", "Late", scheduled_time=states[0]["state_details"]["scheduled_time"]),
            "asked": after["state"]["timestamp"], "answered": after["state"]["timestamp"],
        })  # fmt: skip


# The task run recorder.


def record_events(server):
    """Send events of task runs and keep what the server makes of them."""
    base = now().replace(microsecond=0)
    flow = server.ok("POST", "/flows/", {"name": "events"})["id"]
    cases = []

    def at(seconds):
        return iso(base + dt.timedelta(seconds=seconds))

    def event(run, second, type_, name=None, flow_run=None, orchestration="client", kind="prefect.task-run", **task):
        id_ = str(uuid.uuid4())
        related = [{"prefect.resource.id": f"prefect.flow-run.{flow_run}", "prefect.resource.role": "flow-run"}]
        resource = {"prefect.resource.id": f"prefect.task-run.{run}", "prefect.resource.name": "t"}
        if orchestration:
            resource["prefect.orchestration"] = orchestration
        label = name or type_.title()
        return {
            "id": id_, "occurred": at(second), "event": f"{kind}.{label}", "resource": resource,
            "related": (related if flow_run else []) + [{"prefect.resource.id": "prefect.tag.x", "prefect.resource.role": "tag"}],
            "payload": {
                "intended": {"from": None, "to": type_}, "initial_state": None,
                "validated_state": {
                    "type": type_, "name": label, "message": "m", "data": PERSISTED if type_ == "COMPLETED" else None,
                    "state_details": {"pause_reschedule": False, "untrackable_result": False},
                },
                "task_run": {"task_key": "k", "dynamic_key": run, "name": "t-0", "tags": ["x"], "task_inputs": {},
                             "empirical_policy": {"retries": 1, "retry_delay": 0}, "run_count": 0,
                             "flow_run_run_count": 0, "total_run_time": 0.0} | task,
            },
        }  # fmt: skip

    def uid():
        return str(uuid.uuid4())

    def flow_run():
        return server.ok("POST", "/flow_runs/", {"flow_id": flow, "state": state("RUNNING")})["id"]

    def life(run, **kw):
        return [
            event(run, 0, "PENDING", expected_start_time=at(0), **kw),
            event(run, 1, "RUNNING", run_count=1, start_time=at(1), expected_start_time=at(0), **kw),
            event(run, 3, "COMPLETED", run_count=1, start_time=at(1), end_time=at(3), total_run_time=2.0, **kw),
        ]  # fmt: skip

    def scenario(name, events, runs, prepare=None):
        # Each event is sent alone and waited for through a marker behind it, so that their order is theirs.
        setup = prepare() if prepare else None
        for e in events:
            server.ok("POST", "/events", [e])
            marker = uid()
            server.ok("POST", "/events", [event(marker, 0, "PENDING")])
            until(lambda: server.call("GET", f"/task_runs/{marker}")[0] == 200, 60)
        found = []
        for run in runs:
            status, answer = server.call("GET", f"/task_runs/{run}")
            states = server.ok("GET", f"/task_run_states/?task_run_id={run}")
            if status == 200:
                for volatile in ("created", "updated", "estimated_run_time", "estimated_start_time_delta", "labels"):
                    answer.pop(volatile)
            found.append({"id": run, "run": answer if status == 200 else None, "states": states})
        cases.append(renumbered({"name": name, "events": events, "found": found, "stored": setup}))

    run, parent = uid(), flow_run()
    scenario("life", life(run), [run])
    run = uid()
    scenario("life-in-flow", life(run, flow_run=parent), [run])
    run = uid()
    scenario("backwards", life(run)[::-1], [run])
    run = uid()
    scenario("running-first", [life(run)[i] for i in (1, 0, 2)], [run])
    run = uid()
    twice = life(run)
    scenario("duplicates", [twice[0], twice[0], twice[1], twice[1], twice[0]], [run])
    run = uid()
    scenario("server-orchestrated", [event(run, 0, "PENDING", orchestration="server")], [run])
    run = uid()
    scenario("unlabelled", [event(run, 0, "PENDING", orchestration=None)], [run])
    run = uid()
    scenario("other-kind", [event(run, 0, "PENDING", kind="prefect.flow-run")], [run])
    first, second = uid(), uid()
    scenario(
        "same-natural-key",
        [event(first, 0, "PENDING", flow_run=parent, task_key="nk", dynamic_key="1"),
         event(second, 1, "RUNNING", flow_run=parent, task_key="nk", dynamic_key="1", run_count=1)],
        [first, second],
    )  # fmt: skip
    first, second = uid(), uid()
    scenario(
        "same-natural-key-older",
        [event(first, 5, "RUNNING", flow_run=parent, task_key="nk", dynamic_key="2", run_count=1),
         event(second, 1, "PENDING", flow_run=parent, task_key="nk", dynamic_key="2")],
        [first, second],
    )  # fmt: skip
    run = uid()
    scenario(
        "same-id-other-key",
        [event(run, 0, "PENDING", flow_run=parent, task_key="nk", dynamic_key="3"),
         event(run, 1, "RUNNING", flow_run=parent, task_key="nk", dynamic_key="4", run_count=1)],
        [run],
    )  # fmt: skip
    run = uid()
    scenario(
        "no-flow-same-keys",
        [event(run, 0, "PENDING", task_key="nk", dynamic_key="5"),
         event(run, 1, "RUNNING", task_key="nk", dynamic_key="5", run_count=1, flow_run=parent)],
        [run],
    )  # fmt: skip
    run = uid()
    retry = [
        event(run, 0, "PENDING"),
        event(run, 1, "RUNNING", run_count=1, start_time=at(1)),
        event(run, 2, "SCHEDULED", "AwaitingRetry", run_count=1, next_scheduled_start_time=at(4)),
        event(run, 4, "RUNNING", "Retrying", run_count=2, start_time=at(1)),
        event(run, 5, "FAILED", run_count=2, start_time=at(1), end_time=at(5), total_run_time=2.0),
    ]
    retry[2]["payload"]["validated_state"]["state_details"]["scheduled_time"] = at(4)
    scenario("retry", retry, [run])
    run = uid()
    partial = [event(run, 0, "PENDING", expected_start_time=at(0)), event(run, 1, "RUNNING", run_count=1)]
    for field in ("tags", "task_inputs", "empirical_policy", "name"):
        partial[1]["payload"]["task_run"].pop(field)
    scenario("absent-keeps", partial, [run])
    run = uid()
    nulls = [event(run, 0, "PENDING", expected_start_time=at(0), cache_key="c", task_version="1"),
             event(run, 1, "RUNNING", run_count=1, cache_key=None, task_version=None, expected_start_time=None)]  # fmt: skip
    scenario("null-clears", nulls, [run])

    run = uid()
    stored = {}

    def by_rest(id_, **body):
        def make():
            server.ok("POST", "/task_runs/", {"id": id_, "task_key": "k", "dynamic_key": id_, "name": "rest"} | body)
            stored["run"] = server.ok("GET", f"/task_runs/{id_}")
            stored["states"] = server.ok("GET", f"/task_run_states/?task_run_id={id_}")
            return dict(stored)

        return make

    scenario("after-rest", [event(run, 3600, "RUNNING", run_count=1)], [run], by_rest(run))
    run = uid()
    scenario("after-rest-older", [event(run, -3600, "RUNNING", run_count=1)], [run], by_rest(run))
    run, other = uid(), uid()
    scenario(
        "after-rest-same-key", [event(other, 3600, "RUNNING", run_count=1, flow_run=parent, dynamic_key=run)],
        [run, other], by_rest(run, flow_run_id=parent),
    )  # fmt: skip
    return cases


def load(name):
    path = HERE / name
    return json.loads(gzip.decompress(path.read_bytes())) if path.exists() else []


def write(name, cases):
    text = json.dumps(cases, separators=(",", ":"), sort_keys=True).encode()
    path = HERE / name
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.write(text)
    print(f"{path}: {len(cases)} cases, {len(text)} bytes, {path.stat().st_size} compressed")


def late(rec):
    names = ("free", "full", "full-enqueue", "full-cancel", "zero", "decided")
    setups = {setup: limited(rec, setup) for setup in names}
    for setup, deployment in setups.items():
        arrange(rec, deployment, setup)
    services(rec, {"none": None} | setups)


# The parts by the prefix of their cases. Each has a server of its own.
PARTS = {
    "flow/": flow_matrix,
    "limit/": flow_limits,
    "lease/": flow_leases,
    "life/": flow_sequences,
    "wait/": flow_sequences,
    "task/": task_matrix,
    "retry/": task_retries,
    "tasklife/": task_lives,
    "cache/": task_caching,
    "late/": late,
    "tags/": task_limits,
}


def record(args, prefix, part, home):
    settings = {}
    if prefix == "late/":
        settings = {
            "services": True,
            "prefect_server_services_late_runs_loop_seconds": 1,
            "prefect_server_services_late_runs_after_seconds": 0,
        }
    if prefix == "tags/":
        settings = {"prefect_api_database_connection_url": args.postgres}
    server = Server(args.prefect, home, **settings)
    try:
        rec = Recording(server, home, args.only if args.only.startswith(prefix) else prefix)
        part(rec)
        return rec.cases
    finally:
        server.stop()


def recorder(args, home):
    server = Server(args.prefect, home, services=True)
    try:
        return record_events(server)
    finally:
        server.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--prefect", default="prefect", help="the reference's command")
    options.add_argument("--postgres", help="URL of an empty database, for the tag limits")
    options.add_argument("--only", default="", help="record anew only the cases whose names start with this")
    args = options.parse_args()
    for prefix, part in PARTS.items():
        if not prefix.startswith(args.only) and not args.only.startswith(prefix):
            continue
        if prefix == "tags/" and not args.postgres:
            print("no --postgres: the tag limits are not recorded")
            continue
        replaced = args.only if args.only.startswith(prefix) else prefix
        home = tempfile.mkdtemp(prefix="record-")
        try:
            cases = record(args, prefix, part, home)
        finally:
            shutil.rmtree(home, ignore_errors=True)
        kept = [c for c in load("transitions.json.gz") if not c["name"].startswith(replaced)]
        write("transitions.json.gz", kept + cases)
    if "recorder".startswith(args.only):
        home = tempfile.mkdtemp(prefix="record-")
        try:
            write("recorder.json.gz", recorder(args, home))
        finally:
            shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()

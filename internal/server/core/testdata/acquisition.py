"""Records which runs the reference hands to workers: python acquisition.py API-URL > acquisition.json

Each case is a pool of its own: queues, runs, changes and polls drawn at random.
"""
import json
import random
import sys
import urllib.error
import urllib.request

API = sys.argv[1]
random.seed(7)


def call(method, path, body=None):
    request = urllib.request.Request(API + path, json.dumps(body or {}).encode(), {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as refusal:
        if refusal.code == 503:  # its database was locked
            return call(method, path, body)
        return refusal.code, None


def at(minute):
    return f"2099-01-01T{minute // 60:02}:{minute % 60:02}:00Z"


def draw_poll(queues):
    body = {}
    if random.random() < 0.4:
        body["work_queue_names"] = random.sample(queues, random.randint(1, len(queues)))
    if random.random() < 0.05:
        body["work_queue_names"] = ["nobody's"]
    if random.random() < 0.6:
        body["scheduled_before"] = at(random.randint(0, 70))
    if random.random() < 0.2:
        body["scheduled_after"] = at(random.randint(0, 40))
    if random.random() < 0.4:
        body["limit"] = random.randint(1, 6)
    return {"op": "due", "body": body}


def draw_step(queues, runs):
    limit = random.choice([None, 0, 1, 2, 3, 5])
    kind = random.random()
    if kind < 0.4:
        return draw_poll(queues)
    if kind < 0.75:
        return {"op": "state", "run": random.choice(runs), "type": random.choice(["PENDING", "RUNNING", "COMPLETED", "CANCELLING", "CANCELLED", "PENDING"])}
    if kind < 0.85:
        return {"op": "pool", "body": random.choice([{"concurrency_limit": limit}, {"is_paused": True}, {"is_paused": False}])}
    body = random.choice([{"concurrency_limit": limit}, {"is_paused": random.random() < 0.4}, {"priority": random.randint(1, 5)}])
    return {"op": "queue", "queue": random.choice(queues), "body": body}


def play(case, flow):
    pool = case["pool"]
    call("POST", "/work_pools/", pool)
    path = "/work_pools/" + pool["name"]
    deployments, runs = {}, {}
    for queue in case["queues"]:
        call("POST", path + "/queues", queue)
    for name in ["default"] + [q["name"] for q in case["queues"]]:
        made = {"name": pool["name"] + name, "flow_id": flow, "work_pool_name": pool["name"], "work_queue_name": name}
        deployments[name] = call("POST", "/deployments/", made)[1]["id"]
    for step in case["steps"]:
        match step["op"]:
            case "run":
                runs[step["body"]["name"]] = call("POST", f"/deployments/{deployments[step['queue']]}/create_flow_run", step["body"])[1]["id"]
            case "state":
                call("POST", f"/flow_runs/{runs[step['run']]}/set_state", {"state": {"type": step["type"]}, "force": True})
            case "pool":
                call("PATCH", path, step["body"])
            case "queue":
                call("PATCH", path + "/queues/" + step["queue"], step["body"])
            case "due":
                status, found = call("POST", path + "/get_scheduled_flow_runs", step["body"])
                step["names"] = [run["flow_run"]["name"] for run in found] if status == 200 else ["refused"]


def draw_case(number):
    queues = [{"name": f"q{i}"} for i in range(random.randint(0, 3))]
    for queue in queues:
        if random.random() < 0.5:
            queue["priority"] = random.randint(1, 4)
        if random.random() < 0.5:
            queue["concurrency_limit"] = random.choice([0, 1, 2, 3])
    names = ["default"] + [q["name"] for q in queues]
    minutes = random.sample(range(60), 10)
    steps = []
    for i, minute in enumerate(minutes):
        body = {"name": f"r{i}", "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": at(minute)}}}
        if random.random() < 0.2:
            body["empirical_policy"] = {"retry_type": random.choice(["in_process", "reschedule"])}
        steps.append({"op": "run", "queue": random.choice(names), "body": body})
    runs = [s["body"]["name"] for s in steps]
    steps += [draw_step(names, runs) for _ in range(25)]
    pool = {"name": f"p{number}", "type": "process"}
    if random.random() < 0.5:
        pool["concurrency_limit"] = random.choice([0, 1, 3, 5])
    return {"pool": pool, "queues": queues, "steps": steps}


flow = call("POST", "/flows/", {"name": "f"})[1]["id"]
cases = [draw_case(i) for i in range(12)]
for case in cases:
    play(case, flow)
json.dump(cases, sys.stdout, separators=(",", ":"))

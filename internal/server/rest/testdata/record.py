"""Records what the reference answers, for recorded_test.go.

    python record.py http://127.0.0.1:4200/api recorded/flows.json [...]

Each file is a list of steps {"do": "POST /flows/", "send": <body>, "keep": {"flow":
"id"}, "until": {"total": 3}}; "${flow}" in a later step stands for what was kept; with
"until" the step is asked again until the answer has that. This adds to each step the
status and the answer. Start every recording on a server with an empty database.
Moments that matter are written with the years 2020 and 2030: others are not compared.
"""

import json
import re
import sys
import urllib.error
import urllib.request


def fill(value, kept):
    text = json.dumps(value)
    return json.loads(re.sub(r"\$\{(\w+)\}", lambda m: str(kept[m[1]]), text))


def ask(base, method, path, body):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask_again(base, method, path, body):
    """Asks until the reference is not busy with what it does in the background."""
    status, text = ask(base, method, path, body)
    while status == 503:
        status, text = ask(base, method, path, body)
    return status, text


def ask_until(base, method, path, body, members):
    """Asks until the answer has these members: the reference stores events late."""
    while True:
        status, text = ask_again(base, method, path, body)
        if all(json.loads(text)[name] == value for name, value in members.items()):
            return status, text


def pick(value, path):
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return value


def record(base, steps):
    kept = {}
    for step in steps:
        method, path = fill(step["do"], kept).split(" ", 1)
        body = fill(step.get("send"), kept)
        if "until" in step:
            status, text = ask_until(base, method, path, body, step["until"])
        else:
            status, text = ask_again(base, method, path, body)
        step["status"] = status
        step.pop("answer", None)
        if text:
            try:
                step["answer"] = json.loads(text)
            except ValueError:
                step["answer"] = text
        for name, where in step.get("keep", {}).items():
            kept[name] = pick(step["answer"], where)
    return steps


def write(path, steps):
    lines = ",\n".join(json.dumps(step, ensure_ascii=False) for step in steps)
    with open(path, "w") as file:
        file.write("[\n" + lines + "\n]\n")


for name in sys.argv[2:]:
    with open(name) as file:
        written = json.load(file)
    write(name, record(sys.argv[1], written))

"""Imports the SDK, waits to be told of a run, and becomes its engine, as if
`python -m prefect.engine` had been started for it."""
import json
import os
import runpy
import socket
import sys
import warnings

UNBEGUN = 83
ENGINE = "prefect.engine"


def stamps():
    """What must not have changed since the imports: their files, and where settings are."""
    paths = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    paths.update(sys.path if safe else sys.path[1:])
    paths.update(os.path.join(started_in, name) for name in ("prefect.toml", "pyproject.toml", ".env"))
    paths.add(str(prefect.settings.get_current_settings().profiles_path))
    return {path: stamp(path) for path in paths if path}


def stamp(path):
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def told():
    """The run that this interpreter is for. It ends here if there will be none."""
    with line:
        said = line.makefile("rb").readline()
    if not said.endswith(b"\n"):
        os._exit(UNBEGUN)
    return json.loads(said)


def own(module):
    """Whether a module came from the directory that the run is in, which may be another's."""
    path = getattr(module, "__file__", None)
    return path is not None and path != __file__ and os.path.dirname(path) == started_in


line = socket.socket(fileno=3)
line.set_inheritable(False)
started_in = os.getcwd()
safe = getattr(sys.flags, "safe_path", False)  # the path has no directory of the script then
if not safe:
    sys.path[0] = started_in

import prefect.context  # noqa: E402
import prefect.flow_engine  # noqa: E402
import prefect.settings  # noqa: E402
import prefect._internal.metrics  # noqa: E402

refresh = getattr(prefect.context, "refresh_global_settings_context", None)
usable = refresh is not None and not any(own(module) for module in list(sys.modules.values()))
before = stamps()
line.sendall(b"r")
job = told()

os.chdir(job["dir"])
os.environ.update(job["env"])
if not usable or stamps() != before:
    os.execve(sys.executable, [sys.orig_argv[0], "-m", ENGINE], os.environ)
if any(name in job["env"] for name in job["settings"]):
    refresh()

if not safe:
    sys.path[0] = os.getcwd()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", RuntimeWarning)  # it was imported already, which is the point
    _, spec, code = runpy._get_module_details(ENGINE)
sys.argv[:] = [spec.origin]
sys.orig_argv[1:] = ["-m", ENGINE]


def become(scope, spec, code, run):
    for name in [name for name in scope if name not in ("__name__", "__builtins__")]:
        del scope[name]
    run(code, scope, None, "__main__", spec)


become(sys.modules["__main__"].__dict__, spec, code, runpy._run_code)

"""Programs that run beside a script: served flows, workers, task servers."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

# What matters here are states, not the reference's leisurely defaults.
QUICK = {
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_PREFETCH_SECONDS": "1",
}


@contextmanager
def beside(*command, **env):
    """Run a command until the block ends; show its output if that fails."""
    log = Path(f"beside-{abs(hash(command))}.log").absolute()
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | QUICK | env
        )
    try:
        yield process
    except BaseException:
        print(f"--- {' '.join(command)}\n{log.read_text()}---", file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def this_script(*args):
    """The command that runs the calling script again with arguments."""
    return sys.executable, sys.argv[0], *args


def prefect(*args):
    """Run the reference's CLI; return what it prints."""
    done = subprocess.run(("prefect", *args), capture_output=True, text=True)
    assert done.returncode == 0, f"prefect {' '.join(args)}: {done.stdout}{done.stderr}"
    return done.stdout

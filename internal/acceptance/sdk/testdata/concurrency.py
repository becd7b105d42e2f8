"""Slots that are shared by everything that asks the server for them."""

import threading
from time import monotonic
from uuid import uuid4

from prefect import flow, task
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency, rate_limit
from seen import api, equal, eventually, flow_run, task_runs, task_states

mark = uuid4().hex[:8]
api.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=f"one-{mark}", limit=1))
api.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=f"two-{mark}", limit=2))
api.create_global_concurrency_limit(
    GlobalConcurrencyLimitCreate(name=f"rate-{mark}", limit=2, slot_decay_per_second=2.0)
)
api.create_concurrency_limit(f"tag-{mark}", 1)


class Crowd:
    """Counts how many are inside at once."""

    def __init__(self):
        self.lock, self.inside, self.most = threading.Lock(), 0, 0

    def __enter__(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        threading.Event().wait(0.2)

    def __exit__(self, *_):
        with self.lock:
            self.inside -= 1


def active(name):
    return api.read_global_concurrency_limit_by_name(name).active_slots


crowd, pairs, tagged = Crowd(), Crowd(), Crowd()


@task
def alone():
    with concurrency(f"one-{mark}", occupy=1):
        assert active(f"one-{mark}") == 1
        with crowd:
            pass


@task
def in_pairs():
    with concurrency(f"two-{mark}"), pairs:
        pass


@task(tags=[f"tag-{mark}"])
def one_of_its_kind():
    with tagged:
        pass


@flow
def crowded():
    futures = [t.submit() for t in [alone] * 3 + [in_pairs] * 4 + [one_of_its_kind] * 3]
    return [f.wait() for f in futures]


run = flow_run(crowded(return_state=True))
runs = task_runs(run.id, count=10)
equal({r.state.name for r in runs}, {"Completed"})
equal((crowd.most, tagged.most), (1, 1))
assert pairs.most <= 2, pairs.most
for limit in (f"one-{mark}", f"two-{mark}"):
    equal(active(limit), 0)
eventually(lambda: equal(api.read_concurrency_limit_by_tag(f"tag-{mark}").active_slots, []))

# What nobody has set up does not hold anyone back, unless it is asked to.
with concurrency(f"absent-{mark}"):
    pass
try:
    with concurrency(f"absent-{mark}", strict=True):
        raise AssertionError("entered a limit that does not exist")
except Exception as e:
    assert f"absent-{mark}" in str(e), e

# Nothing free in time.
with concurrency(f"one-{mark}"):
    try:
        with concurrency(f"one-{mark}", timeout_seconds=0.3):
            raise AssertionError("two were inside")
    except TimeoutError:
        pass

# Slots of a rate limit come back with time: six at two a second after two.
began = monotonic()
for _ in range(5):
    rate_limit(f"rate-{mark}")
took = monotonic() - began
assert took > 0.9, f"five slots after {took:.2f} s"

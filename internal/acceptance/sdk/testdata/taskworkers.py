"""Background tasks and who runs them, step by step as a test asks for it:
serve NAME [hang], or queue FROM TO. Each task writes who ran it to the file "ran"."""

import sys
import time

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_worker import serve


@task(cache_policy=NO_CACHE)
def work(n):
    with open("ran", "a") as ran:
        ran.write(f"{n} {sys.argv[2]}\n")
    if sys.argv[3:] == ["hang"]:
        time.sleep(3600)


if sys.argv[1] == "serve":
    serve(work, limit=20)  # as many threads: what is confirmed begins at once, though others hang
else:
    for n in range(int(sys.argv[2]), int(sys.argv[3])):
        work.delay(n)

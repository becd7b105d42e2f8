"""Who changed what in a git repository, read by many tasks at once."""

import subprocess
from collections import Counter

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.logging import get_run_logger
from prefect.runtime import task_run


def git(repository: str, *args: str, patience: float = 60) -> list[str]:
    command = ["git", "-C", repository, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=patience)
    return done.stdout.splitlines()


@task(retries=3, retry_delay_seconds=0.5)
def list_commits(repository: str, most: int) -> list[str]:
    """Allow git one millisecond, and ten thousand times more with each retry."""
    patience = 10_000 ** (task_run.run_count - 1) / 1000
    return git(repository, "log", "--format=%H", f"--max-count={most}", patience=patience)


@task(task_run_name="read {commits[0]:.7} and {others} more")
def count_lines(repository: str, commits: list[str], others: int) -> Counter:
    """Count the lines added and removed in each top folder."""
    lines = Counter()
    for row in git(repository, "show", "--numstat", "--no-renames", "--format=", *commits):
        added, removed, path = row.split("\t")
        if added != "-":
            lines[path.split("/")[0]] += int(added) + int(removed)
    get_run_logger().info("%d commits changed %d lines", len(commits), lines.total())
    return lines


@flow
def tell(lines: dict[str, int], top: int) -> str:
    """Write the busiest folders into a table."""
    busiest = Counter(lines).most_common(top)
    rows = [{"folder": folder, "lines changed": n} for folder, n in busiest]
    create_table_artifact(rows, key="busiest-folders", description="Where the work went")
    return busiest[0][0] if busiest else "nowhere"


@flow(name="history", log_prints=True)
def history(repository: str = ".", most: int = 200, top: int = 5) -> str:
    """Find out where the work of a repository goes."""
    commits = list_commits(repository, most)
    size = len(commits) // 8 + 1
    batches = [commits[i : i + size] for i in range(0, len(commits), size)]
    print(f"reading {len(commits)} commits in {len(batches)} batches")
    counts = [count_lines.submit(repository, batch, len(batch) - 1) for batch in batches]
    lines = sum((count.result() for count in counts), Counter())
    folder = tell(lines, top)
    print(f"most of the work goes into {folder}")
    return folder

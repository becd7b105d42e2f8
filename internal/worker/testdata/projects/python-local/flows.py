from prefect import flow, task


@task
def compose(name: str) -> str:
    return f"hello {name}"


@flow(log_prints=True)
def greet(name: str, times: int = 1):
    """Greets somebody."""
    for _ in range(times):
        print(compose(name))

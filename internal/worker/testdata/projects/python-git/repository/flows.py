from prefect import flow


@flow(log_prints=True)
def from_git():
    print("cloned")

from prefect import flow


@flow(log_prints=True)
def from_git():
    print("this copy is not the one that runs")

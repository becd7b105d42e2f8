from prefect import flow


@flow
def something():
    pass

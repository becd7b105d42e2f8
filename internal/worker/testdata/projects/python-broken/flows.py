from prefect import flow


@flow
def whole():
    pass

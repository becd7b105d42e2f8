from prefect import flow


@flow(log_prints=True)
def in_container():
    import os

    print("hello from", os.environ["WHERE"])

import pathlib

from prefect import flow


@flow(log_prints=True)
def look():
    print(f"prepared {pathlib.Path('prepared').exists()}")

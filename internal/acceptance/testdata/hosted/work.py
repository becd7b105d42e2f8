import time

from prefect import flow


@flow(log_prints=True)
def work(n: int = 0, seconds: float = 0):
    time.sleep(seconds)
    print("n is", n)

import os

from prefect import flow


@flow(log_prints=True)
def from_s3():
    print(f"pulled, secret {os.path.exists('secret.txt')}")

from prefect import flow


@flow(log_prints=True)
def with_wheel():
    import tiny

    print(f"tiny says {tiny.WORD}")

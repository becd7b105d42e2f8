from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact


@task(task_run_name="extract-0")
def extract():
    get_run_logger().info("three rows")


@flow(name="etl", flow_run_name="curious-badger")
def etl(day: str = "today"):
    extract()
    create_table_artifact([{"city": "Bonn", "sold": 3}, {"city": "Ulm", "sold": 12}], key="sales-report")


if __name__ == "__main__":
    etl()

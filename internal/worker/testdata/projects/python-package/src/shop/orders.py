from pydantic import BaseModel

from prefect import flow
from shop.store import ORDERS


class Address(BaseModel):
    city: str
    zip: str = "0000"


@flow(name="count orders", log_prints=True)
def count_orders():
    print(f"{len(ORDERS)} orders")


@flow(log_prints=True)
def ship(where: Address):
    print(f"to {where.zip} {where.city}")

"""Blocks: types and schemas registered by use, documents with secrets."""

from typing import Optional
from uuid import uuid4

from prefect import flow
from prefect.blocks.core import Block
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.system import Secret
from pydantic import Field, SecretStr
from seen import api, equal

mark = uuid4().hex[:8]


class Database(Block):
    """Where the data is."""

    _block_type_name = f"Database {mark}"

    host: str = Field(description="the machine")
    port: int = 5432
    password: Optional[SecretStr] = None
    options: dict = {}


class Warehouse(Block):
    _block_type_name = f"Warehouse {mark}"

    database: Database
    schema_name: str = "public"


Secret(value="hush ☃").save(f"secret-{mark}")
equal(Secret.load(f"secret-{mark}").get(), "hush ☃")

database = Database(host="h", password="pw", options={"a": [1]})
database_id = database.save(f"db-{mark}")
loaded = Database.load(f"db-{mark}")
equal((loaded.host, loaded.port, loaded.options), ("h", 5432, {"a": [1]}))
equal(loaded.password.get_secret_value(), "pw")

hidden = api.read_block_document(database_id, include_secrets=False)
equal(hidden.data["password"], "********")
equal(hidden.data["host"], "h")
equal(hidden.block_type.slug, f"database-{mark}")
equal(api.read_block_document(database_id).data["password"], "pw")

try:
    Database(host="other").save(f"db-{mark}")
except ValueError as e:
    assert "overwrite" in str(e), e
else:
    raise AssertionError("a block was overwritten without being asked to")
Database(host="other").save(f"db-{mark}", overwrite=True)
equal(Database.load(f"db-{mark}").host, "other")

Warehouse(database=Database.load(f"db-{mark}")).save(f"wh-{mark}")
equal(Warehouse.load(f"wh-{mark}").database.host, "other")
# A document that is referred to is read as it is now.
Database(host="moved").save(f"db-{mark}", overwrite=True)
equal(Warehouse.load(f"wh-{mark}").database.host, "moved")

by_slug = Block.load(f"database-{mark}/db-{mark}")
equal(type(by_slug), Database)

SlackWebhook(url="https://hooks.example.com/x").save(f"slack-{mark}")
equal(SlackWebhook.load(f"slack-{mark}").url.get_secret_value(), "https://hooks.example.com/x")


@flow
def uses_blocks(db: Database):
    return db.host, Secret.load(f"secret-{mark}").get()


equal(uses_blocks(Database.load(f"db-{mark}")), ("moved", "hush ☃"))

Database.delete(f"db-{mark}")
try:
    Database.load(f"db-{mark}")
except ValueError as e:
    assert "Unable to find block document" in str(e), e
else:
    raise AssertionError("a deleted block was loaded")
slugs = {t.slug for t in api.read_block_types()}
assert {"secret", "slack-webhook", f"database-{mark}"} <= slugs, slugs

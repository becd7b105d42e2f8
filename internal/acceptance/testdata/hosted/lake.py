"""Assets that are made of one another; one of them breaks."""

from prefect import flow
from prefect.assets import Asset, AssetProperties, materialize

raw = Asset(key="s3://lake/raw.csv")
clean = Asset(
    key="s3://lake/clean.csv",
    properties=AssetProperties(name="Clean", url="https://lake.example/clean", description="No holes.", owners=["ada"]),
)


@materialize(raw)
def load():
    return ["1", ""]


@materialize(clean, asset_deps=["postgres://db/countries"], by="duckdb")
def scrub(rows):
    clean.add_metadata({"rows": len(rows)})
    return [r for r in rows if r]


@materialize("s3://lake/report.csv")
def report(rows):
    raise ValueError("no paper")


@flow
def lake():
    report(scrub(load()), return_state=True)


lake()

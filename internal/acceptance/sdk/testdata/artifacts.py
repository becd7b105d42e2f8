"""Artifacts: created in runs, updated, and read as versions or latest ones."""

import json
from uuid import uuid4

from prefect import flow, task
from prefect.artifacts import (
    Artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from seen import api, equal, flow_run, task_run

mark = uuid4().hex[:8]


@task
def tabulates():
    return create_table_artifact(
        [{"name": "a", "n": 1, "x": float("nan")}, {"name": "ünï", "n": None, "x": 2.5}],
        key=f"table-{mark}", description="what came out",
    )


@flow
def artifacts():
    create_markdown_artifact("# First", key=f"report-{mark}")
    create_markdown_artifact("# Second ☃\n\n| a |\n|---|\n", key=f"report-{mark}")
    create_link_artifact("https://example.com/x?y=1", link_text="there", key=f"link-{mark}")
    create_image_artifact("https://example.com/i.png", key=f"image-{mark}")
    progress = create_progress_artifact(0.0, key=f"progress-{mark}")
    update_progress_artifact(progress, progress=75.0)
    create_markdown_artifact("no key")
    tabulates()


run = flow_run(artifacts(return_state=True))
equal(run.state.name, "Completed")

mine = api.read_artifacts(
    artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
)
equal(
    sorted(a.type for a in mine),
    ["image", "markdown", "markdown", "markdown", "markdown", "progress", "table"],
)

versions = api.read_artifacts(
    artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[f"report-{mark}"]))
)
equal(sorted(a.data for a in versions), ["# First", "# Second ☃\n\n| a |\n|---|\n"])

latest = {
    a.key.removesuffix(f"-{mark}"): a
    for a in api.read_latest_artifacts(
        artifact_filter=ArtifactCollectionFilter(
            key=ArtifactCollectionFilterKey(like_=f"-{mark}")
        )
    )
}
equal(sorted(latest), ["image", "link", "progress", "report", "table"])
equal(latest["report"].data, "# Second ☃\n\n| a |\n|---|\n")
equal(latest["progress"].data, 75.0)
equal(latest["table"].description, "what came out")
equal(latest["table"].flow_run_id, run.id)
equal(latest["table"].task_run_id, task_run(run.id, "tabulates").id)

rows = json.loads(latest["table"].data)
equal([r["name"] for r in rows], ["a", "ünï"])
equal([r["n"] for r in rows], [1, None])

equal(Artifact.get(f"link-{mark}").data, "[there](https://example.com/x?y=1)")
equal(Artifact.get(f"nobody-{mark}"), None)
found, created = Artifact.get_or_create(key=f"report-{mark}", type="markdown", data="new")
equal((found.data, created), ("# Second ☃\n\n| a |\n|---|\n", False))

api.delete_artifact(latest["link"].latest_id)
equal(Artifact.get(f"link-{mark}"), None)

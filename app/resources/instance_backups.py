"""The images and snapshots a step has made, found by its tags, and deleted again."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from app.cloud import NotFound
from app.execution.step import Run

T = TypeVar("T")
Find = Callable[[Run], Awaitable[list[T]]]


async def find_earlier(run: Run, find: Find[T]) -> list[T]:
    """What this step may have made before. A first try has made nothing and asks nothing."""
    if not run.recovering:
        return []
    await run.consistency()
    return await find(run)


async def find_for_undo(run: Run, find: Find[T]) -> list[T]:
    """What this step has made; where nothing is seen, looked for again once it must be visible."""
    found = await find(run)
    if not found:
        await run.consistency()
        found = await find(run)
    return found


async def images_of(run: Run) -> list[str]:
    """Ids of the images this step made, whatever has become of them."""
    return await _images(run)


async def live_images_of(run: Run) -> list[str]:
    return await _images(run, "pending", "available")


async def image_named(run: Run, name: str) -> str | None:
    """The image of that name, if this step made it."""
    filters = [*run.mine, {"Name": "name", "Values": [name]}]
    answer = await run.cloud.call("ec2.describe_images", Owners=["self"], Filters=filters)
    return next((image["ImageId"] for image in answer["Images"]), None)


async def _images(run: Run, *states: str) -> list[str]:
    filters = [*run.mine, *([{"Name": "state", "Values": list(states)}] if states else [])]
    answer = await run.cloud.call("ec2.describe_images", Owners=["self"], Filters=filters)
    return [image["ImageId"] for image in answer["Images"]]


async def snapshots_of(run: Run) -> list[str]:
    """Ids of the snapshots this step made."""
    pages = run.cloud.pages("ec2.describe_snapshots", OwnerIds=["self"], Filters=run.mine)
    return [snapshot["SnapshotId"] async for page in pages for snapshot in page["Snapshots"]]


async def delete_snapshots(run: Run, snapshot_ids: Sequence[str]) -> None:
    for snapshot_id in snapshot_ids:
        with suppress(NotFound):
            await run.cloud.call("ec2.delete_snapshot", SnapshotId=snapshot_id)

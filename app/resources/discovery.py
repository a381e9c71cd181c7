"""Reads a whole account and region: every kind at once, each telling what it could not read."""

import asyncio
from collections.abc import Mapping

from app.cloud import Cloud
from app.execution.declared import DeclaredCloud, Undeclared, tell
from app.planning.inventory import Gap, Inventory, Resource
from app.resources.kind import Kind, Survey


async def discover(cloud: Cloud, kinds: Mapping[str, Kind], undeclared: Undeclared = tell) -> Inventory:
    """The inventory; a kind whose describe failed has gaps and never a Classic resource it did not see."""

    async def read(kind: Kind) -> tuple[list[Resource], list[Gap]]:
        survey = Survey(DeclaredCloud(cloud, kind.name, kind.reads, undeclared), kind.name)
        return await kind.discover(survey), survey.gaps

    found = await asyncio.gather(*(read(kinds[name]) for name in sorted(kinds)))
    resources = tuple(resource for some, _ in found for resource in some)
    gaps = tuple(gap for _, some in found for gap in some)
    return Inventory(cloud.region, resources, gaps)

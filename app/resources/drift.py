"""Drift: in what the account differs from what a plan was made from, and reading a few things of it again."""

import asyncio
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from app.cloud import Cloud, CloudError
from app.execution.declared import DeclaredCloud, tell
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.resources.kind import Kind, Survey

GONE = ""  # stands for the whole thing where a fact's name is told
SHOWN = 20
LONGEST = 500  # characters of a fact's value that are shown
# A cutover is not halted for what tells nothing of how a thing works.
COSMETIC = frozenset({"tags"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact of a resource that is another now; `fact` is GONE where the resource is not there any more."""

    ref: Ref
    fact: str
    was: Json = None
    now: Json = None

    @property
    def digest(self) -> str:
        """Of what is there now, so that a person's yes to it is no yes to anything else."""
        text = json.dumps(self.now, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.ref} has another {self.fact}" if self.fact else f"{self.ref} is gone"

    def as_json(self) -> dict[str, Json]:
        """{"ref", "fact", "digest"} and, where they are short, "was" and "now"; {"ref", "gone", "digest"}."""
        if not self.fact:
            return {"ref": str(self.ref), "gone": True, "digest": self.digest}
        values = {"was": self.was, "now": self.now}
        short = len(json.dumps(values, default=str)) <= LONGEST
        return {"ref": str(self.ref), "fact": self.fact, "digest": self.digest, **(values if short else {})}


def listed(changed: Sequence[Difference]) -> str:
    """The first of them, for a sentence."""
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return "; ".join(map(str, changed[:SHOWN])) + more


def differences(
    refs: Iterable[Ref], before: Inventory, now: Inventory, kinds: Mapping[str, Kind], *, passing: bool = False
) -> list[Difference]:
    """Of those that `before` holds, by ref and fact. `passing`: a look at things in the middle of a move, which
    leaves out what was not read again and what is cosmetic."""
    found: list[Difference] = []
    for ref in refs:
        old, new = before.get(ref), now.get(ref)
        if old is None:  # made by the plan itself
            continue
        if new is None:
            found.append(Difference(ref, GONE))
            continue
        was, is_ = (_steady(each, of, kinds) for each, of in ((old, before), (new, now)))
        names = (was.keys() & is_.keys()) - COSMETIC - {"name"} if passing else was.keys() | is_.keys()
        found += [
            Difference(ref, name, was.get(name), is_.get(name))
            for name in sorted(names)
            if was.get(name) != is_.get(name)
        ]
    return found


def _steady(resource: Resource, inventory: Inventory, kinds: Mapping[str, Kind]) -> dict[str, Json]:
    return {**kinds[resource.kind].steady(resource, inventory), "name": resource.name}


async def read_again(cloud: Cloud, refs: Collection[Ref], kinds: Mapping[str, Kind]) -> list[Resource]:
    """Those of the refs that are there. Raises CloudError where one could not be read: nothing is known then."""

    async def read(name: str) -> list[Resource]:
        kind = kinds[name]
        only = frozenset(ref.id for ref in refs if ref.kind == name)
        survey = _Look(DeclaredCloud(cloud, name, kind.reads, tell), name, only)
        return [found for found in await kind.discover(survey) if found.ref in refs]

    found = await asyncio.gather(*(read(name) for name in sorted({ref.kind for ref in refs})))
    return [resource for some in found for resource in some]


class _Look(Survey):
    """A survey that fails where a reading does."""

    def _miss(self, error: CloudError, ref: Ref | None) -> NoReturn:
        raise error

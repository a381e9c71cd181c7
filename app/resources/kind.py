"""What a file in this folder has to bring: how a kind is discovered, what flows it stands for, its steps."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import jmespath

from app.cloud import Cloud, CloudError
from app.execution.step import Step
from app.planning.context import Context
from app.planning.effects import Effect
from app.planning.inventory import Gap, Inventory, Json, Platform, Ref, Resource
from app.planning.plan import Finding, Flow

ABSENT = "landbridge-verifies"  # no thing is called so
VALUES_PER_FILTER = 100  # EC2 takes 200 in a whole call


class Survey:
    """Reads one account and region. What cannot be read becomes a gap: unknown, never Classic (aws-facts A0).

    `only`: the ids of the kind that are wanted; None for all there are. A kind may find more than that, and may
    leave out facts that cost calls of their own.
    """

    def __init__(self, cloud: Cloud, kind: str, only: frozenset[str] | None = None) -> None:
        self.cloud = cloud
        self.gaps: list[Gap] = []
        self.only = only
        self._kind = kind

    def wants(self, id_: str) -> bool:
        return self.only is None or id_ in self.only

    async def named(self, operation: str, items: str, filter_: str) -> list[dict[str, Any]]:
        """As `all`, and no more than what is wanted where `filter_` tells its ids."""
        if self.only is None:
            return await self.all(operation, items)
        wanted, found = sorted(self.only), []
        for start in range(0, len(wanted), VALUES_PER_FILTER):
            values = wanted[start : start + VALUES_PER_FILTER]
            found += await self.all(operation, items, Filters=[{"Name": filter_, "Values": values}])
        return found

    async def all(self, operation: str, items: str, /, **params: Any) -> list[dict[str, Any]]:
        """Every item of a describe call, over all pages; `items` is JMESPath into a page."""
        found: list[dict[str, Any]] = []
        try:
            async for page in self.cloud.pages(operation, **params):
                found.extend(jmespath.search(items, page) or ())
        except CloudError as error:
            self._miss(error, None)
        return found

    async def one(self, ref: Ref | None, operation: str, /, **params: Any) -> dict[str, Any] | None:
        """One answer about one thing (`ref` names it in the gap); None where it could not be read."""
        try:
            return await self.cloud.call(operation, **params)
        except CloudError as error:
            self._miss(error, ref)
            return None

    def _miss(self, error: CloudError, ref: Ref | None) -> None:
        detail = f"{error.operation} failed with {error.code}."
        self.gaps.append(Gap(self._kind, error.code, detail, str(ref) if ref else None))


class Kind(ABC):
    """One AWS type. `name` is the file's name and the first word of its refs and actions.

    `linkable`: ClassicLink can link it (instances alone). `comes_along`: whatever refers to one needs
    its counterpart. `maker`: the action whose result's "counterpart" is the twin of a resource.

    `reads`: every operation that `discover` calls. `probes`: the smallest request with which verifying may try an
    operation that the kind or its steps read with, where one without parameters says too much or is not valid;
    for something that does not exist, AWS refuses once permission is checked. EC2's get DryRun besides,
    unless it is set to False. "{region}" and "{account}" are filled in.
    """

    name: ClassVar[str]
    linkable: bool = False
    comes_along: bool = False
    maker: str | None = None
    steps: Sequence[Step] = ()
    reads: frozenset[str] = frozenset()
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @abstractmethod
    async def discover(self, survey: Survey) -> list[Resource]:
        """Everything of this kind in the account and region, of both platforms; at least what the survey wants."""

    def moves(self, resource: Resource) -> bool:
        """Whether it is Classic and can have a counterpart."""
        return bool(self.steps) and resource.platform == "classic"

    def steady(self, resource: Resource, inventory: Inventory) -> Mapping[str, Json]:
        """The facts that hold still unless somebody changes them: drift compares these alone."""
        return resource.facts

    def flows(self, resource: Resource, inventory: Inventory) -> Iterable[Flow]:
        """Who must be able to call whom because of this resource. Pure."""
        return ()

    def present(self, resource: Resource, inventory: Inventory) -> Iterable[Effect]:
        """In the words of steps: what groups it is in, what they let in, what it is linked with, what leads to
        it, before anything runs. Pure."""
        return ()

    def findings(self, ctx: Context) -> Iterable[Finding]:
        """What a person must know before approving. Pure."""
        return ()


def own_members(instance_ids: Iterable[str], inventory: Inventory) -> list[str]:
    """Those instances that nobody holds: the others come and go by themselves."""
    refs = (Ref("instance", id_) for id_ in instance_ids)
    return [ref.id for ref in refs if inventory.party(ref) == ref]


def platform_of(vpc_id: str | None) -> Platform:
    """Classic is what has no VPC (aws-facts A0): only for answers that were read whole."""
    return "vpc" if vpc_id else "classic"


def tags_of(item: dict[str, Any], key: str = "Tags") -> dict[str, str]:
    """AWS's list of tags as a mapping, without the reserved `aws:` ones."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in item.get(key) or ()}
    return {name: value for name, value in sorted(tags.items()) if not name.startswith("aws:")}

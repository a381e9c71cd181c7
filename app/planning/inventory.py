"""What an account and region hold, as values: refs, resources, and the inventory of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any  # a JSON value: None, bool, int, float, str, list or dict of the same
Platform = Literal["classic", "vpc", "unknown"]

SOURCE_TAG = "landbridge:source"  # on what a step makes: the ref of what it stands for


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """`kind:id`, the name of one thing everywhere: in the API, in the database, in a step's id."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Raises ValueError where `text` is not `kind:id`."""
        kind, colon, id_ = text.partition(":")
        if not (kind and colon and id_):
            raise ValueError(f"'{text}' is not a ref: write kind:id, for example instance:i-0abc")
        return cls(kind, id_)


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing as discovered. `facts` is JSON: lists of things without an order come sorted."""

    ref: Ref
    name: str
    platform: Platform
    facts: Mapping[str, Json]
    refers_to: frozenset[Ref] = frozenset()

    @property
    def kind(self) -> str:
        return self.ref.kind

    @property
    def tags(self) -> Mapping[str, str]:
        tags: Mapping[str, str] = self.facts.get("tags", {})
        return tags

    @property
    def holder(self) -> Ref | None:
        """Whoever launched it and replaces it at any time, as an Auto Scaling group does with its members."""
        text = self.facts.get("held_by")
        return Ref.parse(text) if text else None

    @property
    def holds(self) -> str:
        """The kind of what it holds; "" for most."""
        return str(self.facts.get("holds", ""))


@dataclass(frozen=True, slots=True)
class Gap:
    """A reading that failed or was refused: what it would have told is unknown, never Classic."""

    kind: str
    code: str
    detail: str
    ref: str | None = None


@dataclass(frozen=True)
class Inventory:
    """Everything discovered in one account and region, in order of ref.

    `counterparts`: by source, what an earlier job made in a VPC for something Classic that is still there.
    """

    region: str
    resources: tuple[Resource, ...]
    gaps: tuple[Gap, ...] = ()
    counterparts: Mapping[Ref, Resource] = field(init=False, repr=False, compare=False)
    _by_ref: dict[Ref, Resource] = field(init=False, repr=False, compare=False)
    _by_kind: dict[str, list[Resource]] = field(init=False, repr=False, compare=False)
    _referrers: dict[Ref, list[Resource]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.resources, key=lambda resource: resource.ref))
        object.__setattr__(self, "resources", ordered)
        by_kind: dict[str, list[Resource]] = {}
        referrers: dict[Ref, list[Resource]] = {}
        for resource in ordered:
            by_kind.setdefault(resource.kind, []).append(resource)
            for target in resource.refers_to:
                referrers.setdefault(target, []).append(resource)
        object.__setattr__(self, "_by_ref", {resource.ref: resource for resource in ordered})
        object.__setattr__(self, "_by_kind", by_kind)
        object.__setattr__(self, "counterparts", dict(self._made_before()))
        object.__setattr__(self, "_referrers", referrers)

    def _made_before(self) -> Iterator[tuple[Ref, Resource]]:
        for twin in self.resources:
            text = twin.tags.get(SOURCE_TAG, "") if twin.platform == "vpc" else ""
            source = self.get(Ref.parse(text)) if text.startswith(f"{twin.kind}:") else None
            if source is not None and source.platform == "classic":
                yield source.ref, twin

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    def __contains__(self, ref: Ref) -> bool:
        return ref in self._by_ref

    def get(self, ref: Ref) -> Resource | None:
        return self._by_ref.get(ref)

    def party(self, ref: Ref) -> Ref:
        """Who acts for `ref` in a plan: its holder, where that is known here too; members come and go."""
        resource = self.get(ref)
        holder = resource.holder if resource else None
        return holder if holder and holder in self else ref

    def of(self, kind: str) -> Iterable[Resource]:
        """All of a kind, in order of id."""
        return self._by_kind.get(kind, ())

    def referring_to(self, ref: Ref) -> Iterable[Resource]:
        """Everything whose `refers_to` holds `ref`."""
        return self._referrers.get(ref, ())

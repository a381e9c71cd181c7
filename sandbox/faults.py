"""What goes wrong on purpose: rules that say which call is hit, how, how often."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

KINDS = {
    "throttled": "refused as the service's throttle refuses",
    "server_error": "500 before any effect",
    "answer_lost": "takes effect, then the connection closes without an answer",
    "delayed": "the connection closes at once; the effect lands `seconds` later",
    "error": "refused with `code`",
    "hide_created": "what the call creates stays invisible for `seconds`",
}
_NEEDS_SECONDS = {"delayed", "hide_created"}


@dataclass
class Fault:
    """`service` and `operation` are patterns with * and ?; `times` None: for ever.

    Raises ValueError, with a sentence for a person, for a rule that could never act as written.
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    times: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    code: str = ""
    status: int = 400
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}: use one of {', '.join(sorted(KINDS))}")
        if not 0 < self.probability <= 1:
            raise ValueError("probability must be more than 0 and at most 1")
        if self.kind in _NEEDS_SECONDS and self.seconds <= 0:
            raise ValueError(f"a fault of kind {self.kind!r} needs seconds, more than 0")
        if self.kind == "error" and not self.code:
            raise ValueError("a fault of kind 'error' needs the error code to answer")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be 1 or more; leave it out for a fault that stays")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fault":
        """Raises ValueError for unknown fields and for values no rule can have."""
        known = {field.name: field.type for field in fields(cls) if field.name != "hits"}
        if unknown := set(values) - set(known):
            raise ValueError(f"unknown fields {sorted(unknown)}: a fault has {sorted(known)}")
        if "kind" not in values:
            raise ValueError(f"a fault needs a kind: one of {', '.join(sorted(KINDS))}")
        texts = {"kind", "service", "operation", "code"}
        for name, value in values.items():
            wanted: tuple[type, ...] = (str,) if name in texts else (int, float)
            if value is None and name == "times":
                continue
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise ValueError(f"{name} must be a {'string' if name in texts else 'number'}")
        return cls(**values)

    def matches(self, service: str, operation: str) -> bool:
        return fnmatchcase(service, self.service) and fnmatchcase(operation, self.operation)


class Faults:
    """The rules in force; chance comes from the world's seeded random, so a history can be repeated."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        self.rules.clear()

    def strike(self, service: str, operation: str) -> Fault | None:
        """The first rule that hits this call, counted as used up once more; None if it goes well."""
        for rule in self.rules:
            spent = rule.times is not None and rule.hits >= rule.times
            if spent or not rule.matches(service, operation):
                continue
            if rule.probability >= 1 or self._chance.random() < rule.probability:
                rule.hits += 1
                return rule
        return None

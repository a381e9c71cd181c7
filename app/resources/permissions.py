"""Operations as IAM calls them, and the calls that show whether a role may read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.execution.pacing import is_read
from app.resources.kind import Kind

# Services whose prefix in IAM is not the name botocore has for them.
PREFIXES = {"elb": "elasticloadbalancing"}
# Words that are not simply capitalised in the names of a service's operations.
WORDS = {"rds": {"db": "DB"}}


def iam_action(operation: str) -> str:
    """ "rds.modify_db_instance" -> "rds:ModifyDBInstance"."""
    service, _, name = operation.partition(".")
    words = WORDS.get(service, {})
    return f"{PREFIXES.get(service, service)}:" + "".join(words.get(w, w.capitalize()) for w in name.split("_"))


def reads_of(kinds: Iterable[Kind]) -> frozenset[str]:
    """What discovering calls, and what steps look at."""
    found: set[str] = set()
    for kind in kinds:
        found |= kind.reads
        found |= {operation for step in kind.steps for operation in step.calls if is_read(operation)}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that changes nothing and is Denied exactly where `action` is missing from the role's policy."""

    action: str
    operation: str
    params: Mapping[str, Any]

    def request(self, region: str, account: str) -> dict[str, Any]:
        """The parameters, for that account and region."""
        return {key: _filled(value, region, account) for key, value in self.params.items()}


def probes_of(kinds: Mapping[str, Kind]) -> list[Probe]:
    """One for every read of these kinds and of their steps."""
    asked = {operation: params for kind in kinds.values() for operation, params in kind.probes.items()}
    return [_probe(operation, asked.get(operation, {})) for operation in sorted(reads_of(kinds.values()))]


def _probe(operation: str, params: Mapping[str, Any]) -> Probe:
    """EC2 answers DryRun with what it would have allowed, and no data; a kind says where it is not taken."""
    asked = {"DryRun": operation.startswith("ec2."), **params}
    if not asked["DryRun"]:
        del asked["DryRun"]
    return Probe(iam_action(operation), operation, asked)


def _filled(value: Any, region: str, account: str) -> Any:
    return value.format(region=region, account=account) if isinstance(value, str) else value

"""How a step says which operations of AWS it may call, and on what: what its permissions are made from.

`Calls` maps an operation ("ec2.stop_instances") to what it touches. A thing is written as the end of its ARN
("instance/i-0abc", "db:main"), the account and region being the job's own; `{path}` in it is filled from the
planned step's params (JMESPath; `{region}` is the job's), once for each value found there. A promise stands for
something that an earlier step makes: what carries our tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

OUR_TAG = "landbridge:job"


@dataclass(frozen=True, slots=True)
class Thing:
    """`whose`: "named" is there already and is named by the plan, "made" comes into being with our tag, "ours"
    carries it. `where`: condition keys of AWS with the value (or the ARN's end) they must have."""

    arn: str
    whose: Literal["named", "made", "ours"]
    where: tuple[tuple[str, str], ...] = ()


Reach: TypeAlias = tuple[Thing, ...]
Calls: TypeAlias = Mapping[str, Reach]


def on(*arns: str) -> Reach:
    """Things that are there already, or that earlier steps make."""
    return tuple(Thing(arn, "named") for arn in arns)


def having(arn: str, key: str, value: str) -> Reach:
    """Things that no plan can name, known by what they have: `value` is text, or an ARN's end, with {paths}."""
    return (Thing(arn, "named", ((key, value),)),)


def makes(*arns: str) -> Reach:
    """New things, tagged as they are made."""
    return tuple(Thing(arn, "made") for arn in arns)


def ours(*arns: str) -> Reach:
    """Things that carry our tag, whichever job made them."""
    return tuple(Thing(arn, "ours") for arn in arns)


ANY = on("*")  # where AWS does not let permission be given thing by thing


def reading(*operations: str) -> dict[str, Reach]:
    """Reads, which are allowed for the region as a whole."""
    return dict.fromkeys(operations, ANY)


def passing(profile: str) -> Reach:
    """The role of an instance profile, by the profile's name or ARN: a profile made in the console has its role's
    name. Passed to EC2, and to nobody else."""
    return having(f"role/{profile}", "iam:PassedToService", "ec2.amazonaws.com")


def keys_through(service: str) -> dict[str, Reach]:
    """What is encrypted is copied and opened with keys of the account, through that service and not by us [K]."""
    through = having("key/*", "kms:ViaService", f"{service}.{{region}}.amazonaws.com")
    verbs = ("create_grant", "decrypt", "describe_key", "generate_data_key_without_plaintext")
    return {f"kms.{verb}": through for verb in verbs}

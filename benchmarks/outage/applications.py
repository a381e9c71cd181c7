"""The applications that are moved, each made by AWS calls in a simulated account, with all flows up at the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import boto3

from benchmarks.outage import builders
from sandbox.scenarios import scenarios
from sandbox.world import World


@dataclass(frozen=True)
class Application:
    """`title` is what a person reads; `build` as a sandbox scenario's."""

    name: str
    title: str
    build: Callable[[boto3.Session, World], None]


def applications() -> Sequence[Application]:
    """In the order of the table."""
    return (
        Application("shop", "the demo's shop", scenarios()["shop"].build),
        Application("elastic", "three tiers, the first an Auto Scaling group", scenarios()["elastic_shop"].build),
        Application("loop", "two services that call each other, one of them behind a load balancer", builders.loop),
        Application("store", "a lone stateful instance with a volume of 1,000 GiB, and its callers", builders.store),
        Application("door", "a client outside that calls an Elastic IP", builders.door),
    )

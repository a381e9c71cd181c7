"""The moments at which a job is left to a later release."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from app.aws.errors import meaning
from app.cloud import Cloud
from app.planning.plan import Strategy
from tests.kit.killing import Killed


@dataclass(frozen=True)
class Moment:
    """The so-manieth time that an operation is called, counted from the first call of `since`: the worker is gone
    `before` or `after` it, or AWS refuses it with this code."""

    operation: str
    what: str = "after"
    time: int = 1
    since: str = ""


@dataclass(frozen=True)
class Cut:
    """Where a job is cut off. `drive`: what goes on when the worker is gone at `moment`; without one, it comes to its
    end, or to a gate."""

    says: str
    drive: Literal["execute", "undo", "finalize"] = "execute"
    moment: Moment | None = None
    gates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """An application and the way it goes."""

    application: str
    strategy: Strategy
    create_cidr: str | None = None


MOVES = {
    "corner-incremental": Move("corner shop", "incremental"),
    "corner-all-at-once": Move("corner shop", "all_at_once", "172.22.0.0/16"),
    "odds-incremental": Move("odds and ends", "incremental"),
    "odds-all-at-once": Move("odds and ends", "all_at_once"),
}
CUTS = {
    "early": Cut(
        "the worker died when a security group was made and nobody had heard of it",
        moment=Moment("ec2.create_security_group", time=2),
    ),
    "database": Cut(
        "the worker died when a database was on its way into the VPC, looked at",
        moment=Moment("rds.describe_db_instances", "before", 2, since="rds.modify_db_instance"),
    ),
    "restored": Cut(
        "the worker died when a database was restored and nobody had heard of it",
        moment=Moment("rds.restore_db_instance_from_db_snapshot"),
    ),
    "gate": Cut("at the gate before the instances, keeping what steps made true", gates=("before:instances",)),
    "reattaching": Cut(
        "the worker died when a volume was detached from its instance and nobody had heard of it",
        moment=Moment("ec2.detach_volume"),
    ),
    "launching": Cut(
        "the worker died when an instance was launched and nobody had heard of it",
        moment=Moment("ec2.run_instances", time=2),
    ),
    "scaling": Cut(
        "the worker died when an Auto Scaling group had been told its size, in the middle of the instances' cutover",
        moment=Moment("autoscaling.update_auto_scaling_group", since="ec2.run_instances"),
    ),
    "refused": Cut(
        "halted: AWS refused a load balancer over and above its limit",
        moment=Moment("elb.create_load_balancer", "TooManyLoadBalancers"),
    ),
    "undoing": Cut(
        "in mid-undo: the worker died when the first instance was terminated",
        "undo",
        Moment("ec2.terminate_instances"),
    ),
    "undoing-late": Cut(
        "late in undo: the worker died when a security group was deleted",
        "undo",
        Moment("ec2.delete_security_group"),
    ),
    "moved": Cut("moved: it may be undone or finalized"),
    "finalizing": Cut(
        "in mid-finalize: the worker died when the first source was terminated",
        "finalize",
        Moment("ec2.terminate_instances"),
    ),
    "finalized": Cut("finalized: how it ends", "finalize"),
}
RECORDED = {
    "corner-incremental": (
        "early",
        "database",
        "gate",
        "reattaching",
        "launching",
        "scaling",
        "refused",
        "undoing",
        "undoing-late",
        "moved",
        "finalizing",
    ),
    "corner-all-at-once": (
        "early",
        "database",
        "reattaching",
        "launching",
        "scaling",
        "undoing",
        "undoing-late",
        "moved",
        "finalizing",
    ),
    "odds-incremental": ("restored", "undoing", "moved", "finalizing"),
    "odds-all-at-once": ("restored", "undoing-late", "moved"),
}


class Fate:
    """A cloud whose caller is gone, or refused, at a moment."""

    def __init__(self, cloud: Cloud, moment: Moment | None) -> None:
        self._cloud = cloud
        self._moment = moment
        self._calls: Counter[str] = Counter()
        self.met = moment is None
        self._dead = False

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        what = self._comes(operation)
        if what not in ("", "before", "after"):
            raise meaning(what, 400)(operation, what, "as recorded")
        if what == "before":
            self._die()
        answer = await self._cloud.call(operation, **params)
        if what == "after":
            self._die()
        return answer

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        if self._comes(operation):
            self._die()
        async for page in self._cloud.pages(operation, **params):
            yield page

    def _comes(self, operation: str) -> str:
        """What befalls this call; a worker that is gone calls nothing more."""
        if self._dead:
            raise Killed
        moment = self._moment
        if moment is None or (moment.since and not self._calls[moment.since] and operation != moment.since):
            return ""
        self._calls[operation] += 1
        if (operation, self._calls[operation]) != (moment.operation, moment.time):
            return ""
        self.met = True
        return moment.what

    def _die(self) -> None:
        self._dead = True
        raise Killed

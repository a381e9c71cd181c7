"""Members of Auto Scaling groups: what the group knows of an instance of its own."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.autoscaling.activities import Activity
from sandbox.clock import Timer

PENDING = ("Pending", "Pending:Wait", "Pending:Proceed")
TERMINATING = ("Terminating", "Terminating:Wait", "Terminating:Proceed")


@dataclass
class Waiting:
    """A member held by a lifecycle hook; `token` is what CompleteLifecycleAction may name."""

    hook: str
    token: str
    began: datetime
    timer: Timer


@dataclass
class Member:
    """`state` is AWS's LifecycleState; `since` when it came into that state."""

    instance_id: str
    instance_type: str
    image_id: str
    zone: str
    subnet_id: str = ""  # "" in EC2-Classic; EC2's own table tells who holds addresses in a subnet
    state: str = "Pending"
    health: str = "Healthy"
    protected: bool = False
    launch_configuration: str | None = None
    launch_template: dict[str, str] | None = None
    since: datetime | None = None
    grace_until: datetime | None = None  # until then its load balancers' opinion does not count
    activity: Activity | None = None  # the one under way
    waiting: dict[str, Waiting] = field(default_factory=dict)  # by hook
    link: tuple[str, list[str]] | None = None  # the VPC and groups it is to be linked to as it starts
    ailment: str = ""  # why it is unhealthy, as causes say it
    noticed: Timer | None = None  # of a failing that the next health check will find
    abandoned: bool = False  # no hook holds it any more

    @property
    def pending(self) -> bool:
        return self.state in PENDING

    @property
    def terminating(self) -> bool:
        return self.state in TERMINATING

    @property
    def counts(self) -> bool:
        """Whether it is part of the group's capacity; one in standby is not."""
        return self.pending or self.state == "InService"

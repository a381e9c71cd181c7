"""Lifecycle hooks of Auto Scaling groups, as stored."""

from dataclasses import dataclass

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
MOST_GLOBAL = 172_800  # seconds; or a hundred times the heartbeat, whichever is less


@dataclass
class LifecycleHook:
    """A hook holds members in the transition until it is completed or has timed out."""

    name: str
    transition: str
    heartbeat: int = 3600
    default_result: str = "ABANDON"
    target_arn: str | None = None
    role_arn: str | None = None
    metadata: str | None = None

    @property
    def global_timeout(self) -> int:
        return min(MOST_GLOBAL, 100 * self.heartbeat)

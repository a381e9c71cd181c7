"""The shop whose web tier is an Auto Scaling group: its move, its two groups, and what hangs on them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from app.execution.attempts import Control
from app.planning.plan import Strategy
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.ec2.classic_link import ClassicLink
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.scenarios import scenarios
from sandbox.standins import addresses_held, where_callers_go
from sandbox.virtual_time import run
from sandbox.world import Place
from tests.kit.bench import Bench
from tests.kit.direct_cloud import DirectCloud
from tests.scenarios.comparing import own_tags
from tests.scenarios.whole_move import Move

GROUP = "web"
REF = f"auto_scaling_group:{GROUP}"
BALANCER = "shop-web"
NAMES = ("www.shop.example.com.", "api.shop.example.com.")
EVENING = 18  # o'clock, when the group's schedule changes it
SETTINGS = (
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "DefaultCooldown",
    "AvailabilityZones",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
    "SuspendedProcesses",
    "EnabledMetrics",
)


class ElasticMove(Move):
    """The elastic shop and the plan to move it; past the wire, since its groups are looked at again and again."""

    def __init__(self, strategy: Strategy, *, new_vpc: bool = False, before_evening: float | None = None) -> None:
        bench = Bench()
        scenarios()["elastic_shop"].build(bench.boto, bench.world)
        bench.cloud = DirectCloud(bench.world)  # type: ignore[assignment]  # a Cloud too
        if before_evening is not None:
            _wait_for_evening(bench, before_evening)
        super().__init__(strategy, new_vpc=new_vpc, bench=bench)
        self.steps = [step for step in self.plan.steps if step.phase != "finalize"]

    @property
    def place(self) -> Place:
        return self.bench.world.place()

    def ask(self, operation: str, **params: Any) -> dict[str, Any]:
        """The test's own hand in the account. Raises CloudError."""
        return DirectCloud(self.bench.world).ask(operation, params)

    def group(self, name: str = GROUP) -> AutoScalingGroup:
        return self.place.table(AutoScalingGroup)[name]

    @property
    def new_group(self) -> AutoScalingGroup | None:
        """The twin, where there is one by now."""
        twins = (each for each in self.place.table(AutoScalingGroup).values() if "landbridge:source" in each.tags)
        return next(twins, None)

    @property
    def twin_balancer(self) -> LoadBalancer | None:
        twins = (each for each in self.place.table(LoadBalancer).values() if "landbridge:source" in each.tags)
        return next(twins, None)

    def twins(self) -> tuple[AutoScalingGroup, LoadBalancer]:
        """The twins of the group and of its load balancer, which must be there."""
        group, balancer = self.new_group, self.twin_balancer
        assert group
        assert balancer
        return group, balancer

    def state(self, action: str) -> str:
        """Where the group's step stands."""
        entry = self.journal.lines.get(f"auto_scaling_group.{action}/{REF}")
        return entry.state if entry else "pending"

    def balancers_called(self) -> list[LoadBalancer]:
        """Those to which callers go by the shop's names at this moment."""
        held = addresses_held(self.place)
        refs = {held[value] for name in NAMES for value in where_callers_go(self.place, name) if value in held}
        table = self.place.table(LoadBalancer)
        return [table[name] for _, _, name in (ref.partition(":") for ref in sorted(refs)) if name in table]

    def served(self, group: AutoScalingGroup, balancer: LoadBalancer) -> set[str]:
        """The group's members in service, also behind the load balancer."""
        return {each.instance_id for each in group.in_service} & set(balancer.in_service_ids)

    def link_of(self, instance_id: str) -> ClassicLink | None:
        return self.place.table(ClassicLink).get(instance_id)

    def retry(self) -> None:
        """A person has read the error, and has the failed steps tried again."""
        for id_, entry in self.journal.lines.items():
            if entry.state == "failed":
                self.journal.lines[id_] = type(entry)("pending", entry.attempt + 1)

    def advance(self, control: Control | None = None) -> str:
        return run(self.bench.world, self.bench.executor(self.steps, self.journal, control=control).advance())


def _wait_for_evening(bench: Bench, before: float) -> None:
    now = bench.world.clock.now()
    evening = now.replace(hour=EVENING, minute=0, second=0, microsecond=0)
    evening += timedelta(days=evening <= now + timedelta(seconds=before))
    bench.world.clock.advance((evening - now).total_seconds() - before)


def equipment(move: ElasticMove, name: str, load_balancer: str) -> dict[str, Any]:
    """All that makes a group what it is, without its name, its platform and its load balancer's name."""
    [group] = move.ask("autoscaling.describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert group["LoadBalancerNames"] == [load_balancer]
    tags = {tag["Key"]: tag["PropagateAtLaunch"] for tag in group["Tags"] if not tag["Key"].startswith("landbridge:")}
    policies = _of(name, move.ask("autoscaling.describe_policies")["ScalingPolicies"])
    names = {policy["PolicyARN"]: policy["PolicyName"] for policy in policies}
    return {
        "settings": {key: group[key] for key in SETTINGS},
        "tags": own_tags(group["Tags"]),
        "propagated": tags,
        "policies": [_without(each, "PolicyARN", "AutoScalingGroupName", "Alarms") for each in policies],
        "alarms": [_alarm(each, names, name) for each in _alarms(move, names)],
        "hooks": [
            _without(each, "AutoScalingGroupName")
            for each in move.ask("autoscaling.describe_lifecycle_hooks", AutoScalingGroupName=name)["LifecycleHooks"]
        ],
        "scheduled": [
            _without(each, "ScheduledActionARN", "AutoScalingGroupName", "StartTime", "Time")
            for each in _of(name, move.ask("autoscaling.describe_scheduled_actions")["ScheduledUpdateGroupActions"])
        ],
        "notifications": [
            _without(each, "AutoScalingGroupName")
            for each in _of(
                name, move.ask("autoscaling.describe_notification_configurations")["NotificationConfigurations"]
            )
        ],
    }


def _of(name: str, items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((each for each in items if each["AutoScalingGroupName"] == name), key=_told)


def _told(item: Mapping[str, Any]) -> str:
    return str([item.get(key) for key in ("PolicyName", "ScheduledActionName", "TopicARN", "NotificationType")])


def _without(item: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


def _alarms(move: ElasticMove, names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = move.ask("cloudwatch.describe_alarms")["MetricAlarms"]
    return sorted(
        (each for each in found if set(each["AlarmActions"]) & names.keys()), key=lambda each: str(each["AlarmName"])
    )


def _alarm(alarm: Mapping[str, Any], names: Mapping[str, str], group: str) -> dict[str, Any]:
    """With policies by their names, and the group it looks at as `it`; what it has seen is left out."""
    volatile = ("AlarmName", "AlarmArn", "StateValue", "StateReason", "StateReasonData")
    times = [key for key in alarm if key.endswith("Timestamp")]
    looks_at = [
        {**each, "Value": "it"} if each == {"Name": "AutoScalingGroupName", "Value": group} else each
        for each in alarm["Dimensions"]
    ]
    actions = [names.get(action, action) for action in alarm["AlarmActions"]]
    return {**_without(alarm, *volatile, *times), "Dimensions": looks_at, "AlarmActions": actions}

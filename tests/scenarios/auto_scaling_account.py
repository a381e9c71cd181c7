"""A small account of EC2-Classic whose web tier is an Auto Scaling group, and hands to interfere with it."""

from collections.abc import Callable
from typing import Any

from app.execution.attempts import Control
from app.execution.executor import Outcome
from app.execution.journal import Entry, MemoryJournal
from app.execution.states import StepState
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, StepId, Strategy
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.builder import Builder
from sandbox.ec2.classic_link import ClassicLink
from sandbox.ec2.instances import Instance
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.virtual_time import run
from tests.kit.bench import Bench
from tests.kit.direct_cloud import DirectCloud
from tests.scenarios.whole_move import Move, errors

ZONES = ["us-east-1a", "us-east-1b"]
GROUP = {"AutoScalingGroupName": "web"}
REF = "auto_scaling_group:web"
# A newcomer is linked by AWS, and registered with the next round of the keeping.
SOON = 45.0

Tell = Callable[[PlannedStep, StepState], None]


class Watched(MemoryJournal):
    """Tells of every move once it is committed."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self.tell = tell

    async def move(self, step: PlannedStep, to: StepState, **what: Any) -> None:
        await super().move(step, to, **what)
        self.tell(step, to)


class Web:
    """Two members of one to six behind `front`, with a name; and a lone box that calls them."""

    def __init__(self, *, hooks: bool = False, **group: Json) -> None:
        self.bench = Bench()
        self.world = self.bench.world
        self.place = self.world.place()
        self.hand = DirectCloud(self.world)
        builder = Builder(self.bench.boto, self.world)
        web, box = builder.group("web", "web"), builder.group("box", "a box")
        builder.let_in_load_balancers(web, 80)
        builder.let_in(web, 22, groups=[box])
        builder.let_in(box, 7000, groups=[web])
        linux = builder.image("amzn2-ami-hvm-*")
        at = {"Placement": {"AvailabilityZone": ZONES[0]}, "InstanceType": "m3.medium", "ImageId": linux}
        builder.launch(["box"], {}, SecurityGroupIds=[box], **at)
        self._balancer(builder)
        builder.call(
            "autoscaling",
            "CreateLaunchConfiguration",
            LaunchConfigurationName="web-1",
            ImageId=linux,
            InstanceType="m3.medium",
            SecurityGroups=["web"],
            UserData="echo secret",
        )
        asked: dict[str, Any] = {
            **GROUP,
            "LaunchConfigurationName": "web-1",
            "MinSize": 1,
            "DesiredCapacity": 2,
            "MaxSize": 6,
            "AvailabilityZones": ZONES,
            "LoadBalancerNames": ["front"],
            "HealthCheckType": "ELB",
            "HealthCheckGracePeriod": 60,
            "Tags": [
                {"Key": "team", "Value": "red", "PropagateAtLaunch": True},
                {"Key": "owner", "Value": "Kim", "PropagateAtLaunch": False},
            ],
            **group,
        }
        builder.call("autoscaling", "CreateAutoScalingGroup", **asked)
        if hooks:
            self._hooks(builder)
        self._scaling(builder)
        _, self.subnets = builder.network(
            "target", "172.20.0.0/16", {ZONES[0]: "172.20.1.0/24", ZONES[1]: "172.20.2.0/24"}
        )
        builder.wait(3600)
        self.bench.past_the_wire()  # groups are looked at again and again

    def _balancer(self, builder: Builder) -> None:
        name = {"LoadBalancerName": "front"}
        listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
        made = builder.call("elb", "CreateLoadBalancer", **name, AvailabilityZones=ZONES, Listeners=[listener])
        check = {"Target": "TCP:80", "Interval": 10, "Timeout": 5, "HealthyThreshold": 2, "UnhealthyThreshold": 2}
        builder.call("elb", "ConfigureHealthCheck", **name, HealthCheck=check)
        zone = builder.call("route53", "CreateHostedZone", Name="web.example.", CallerReference="1")["HostedZone"]["Id"]
        record = {
            "Name": "www.web.example.",
            "Type": "CNAME",
            "TTL": 60,
            "ResourceRecords": [{"Value": made["DNSName"]}],
        }
        change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=change)

    def _hooks(self, builder: Builder) -> None:
        for name, transition in (("warm", "LAUNCHING"), ("drain-queue", "TERMINATING")):
            builder.call(
                "autoscaling",
                "PutLifecycleHook",
                **GROUP,
                LifecycleHookName=name,
                LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
                HeartbeatTimeout=1800,
                DefaultResult="CONTINUE",
            )

    def _scaling(self, builder: Builder) -> None:
        policy = builder.call(
            "autoscaling",
            "PutScalingPolicy",
            **GROUP,
            PolicyName="out",
            AdjustmentType="ChangeInCapacity",
            ScalingAdjustment=1,
        )
        builder.call(
            "cloudwatch",
            "PutMetricAlarm",
            AlarmName="busy",
            Namespace="AWS/EC2",
            MetricName="CPUUtilization",
            Dimensions=[{"Name": "AutoScalingGroupName", "Value": "web"}],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=2,
            Threshold=70.0,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[policy["PolicyARN"], "arn:aws:sns:us-east-1:123456789012:ops"],
        )
        builder.call(
            "autoscaling",
            "PutScheduledUpdateGroupAction",
            **GROUP,
            ScheduledActionName="evening",
            Recurrence="0 18 * * *",
            MinSize=1,
        )
        builder.call(
            "autoscaling",
            "PutNotificationConfiguration",
            **GROUP,
            TopicARN="arn:aws:sns:us-east-1:123456789012:ops",
            NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH"],
        )

    # -- what a person or AWS does meanwhile -----------------------------------------------------

    def scaling(self, operation: str, **params: Any) -> dict[str, Any]:
        """One call to Auto Scaling, about `web` unless it says otherwise."""
        return self.hand.ask(f"autoscaling.{operation}", {**GROUP, **params})

    def look(self, name: str = "web") -> dict[str, Any]:
        answer = self.hand.ask("autoscaling.describe_auto_scaling_groups", {"AutoScalingGroupNames": [name]})
        found: list[dict[str, Any]] = answer["AutoScalingGroups"]
        return found[0]

    def exists(self, name: str) -> bool:
        return name in self.place.table(AutoScalingGroup)

    def group(self, name: str = "web") -> AutoScalingGroup:
        return self.place.table(AutoScalingGroup)[name]

    def members(self, name: str = "web") -> list[str]:
        """Those in service."""
        return sorted(each.instance_id for each in self.group(name).in_service) if self.exists(name) else []

    def spare(self, name: str = "web") -> bool:
        """Whether the group could do without one member: it has others, and none is dead without its knowing."""
        instances = self.place.table(Instance)
        states = {instances[id_].state for id_ in self.members(name)}
        return len(self.members(name)) > 1 and states == {"running"}

    def kill(self, name: str = "web") -> None:
        """One member in service, as a crash does; none where no other would be left."""
        if self.spare(name):
            self.hand.ask("ec2.terminate_instances", {"InstanceIds": self.members(name)[:1]})

    def resize(self, by: int, name: str = "web") -> None:
        group = self.group(name)
        wanted = max(group.minimum, 1, min(group.maximum, group.desired + by))
        if group.maximum and (by > 0 or self.spare(name)):
            self.scaling("set_desired_capacity", AutoScalingGroupName=name, DesiredCapacity=wanted)

    def strays(self, *, linked: bool, twin: str = "") -> list[str]:
        """Members of the source that have been in service for a while, and are not linked or not behind the twin;
        without those that are dead, and of whom the group does not know it yet."""
        now, instances = self.world.clock.now(), self.place.table(Instance)
        settled = [
            each.instance_id
            for each in self.group().in_service
            if each.since
            and (now - each.since).total_seconds() > SOON
            and instances[each.instance_id].state == "running"
        ]
        links, balancers = self.place.table(ClassicLink), self.place.table(LoadBalancer)
        unlinked = [id_ for id_ in settled if linked and id_ not in links]
        behind = balancers[twin].members if twin in balancers else {}
        return [*unlinked, *(id_ for id_ in settled if twin and id_ not in behind)]

    # -- migrations ------------------------------------------------------------------------------

    def move(self, strategy: Strategy = "incremental", **request: Any) -> Move:
        return Move(strategy, bench=self.bench, **request)

    def halted(self, move: Move, journal: MemoryJournal) -> tuple[StepId, dict[str, Any]]:
        """Carry the plan out; the step that failed, and its error."""
        outcome, move.journal = self.bench.execute(move.plan, journal)
        assert outcome == "halted", (outcome, errors(journal))
        [(id_, error)] = errors(journal).items()
        return id_, error

    def retry(self, move: Move, id_: StepId) -> Outcome:
        """As when a person has mended the cause and asks for the failed step again."""
        move.journal.lines[id_] = Entry("pending", attempt=move.journal.lines[id_].attempt + 1)
        return self.bench.execute(move.plan, move.journal)[0]

    def stop_after(self, move: Move, action: str) -> Outcome:
        """Carry the plan out until the first step of that action has succeeded."""
        control = Control()

        def tell(step: PlannedStep, to: StepState) -> None:
            if step.action == action and to == "succeeded":
                control.stop()

        move.journal = Watched(tell)
        steps = [step for step in move.plan.steps if step.phase != "finalize"]
        return run(self.world, self.bench.executor(steps, move.journal, control=control).advance())

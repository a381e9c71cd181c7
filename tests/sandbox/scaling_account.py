"""What the tests of scaling start from: a group "web" of EC2-Classic, spoken to through boto3."""

from typing import Any

from tests.sandbox.ec2_account import Account

GROUP = {"AutoScalingGroupName": "web"}


class ScalingAccount(Account):
    """An account with the group "web": minimum 1, maximum 10, desired as asked."""

    def __init__(self, desired: int = 2) -> None:
        super().__init__()
        self.scaling: Any = self.session.client("autoscaling")
        self.watch: Any = self.session.client("cloudwatch")
        self.scaling.create_launch_configuration(
            LaunchConfigurationName="web-1", ImageId=self.image(), InstanceType="m3.medium"
        )
        self.scaling.create_auto_scaling_group(
            **GROUP,
            LaunchConfigurationName="web-1",
            MinSize=1,
            MaxSize=10,
            DesiredCapacity=desired,
            AvailabilityZones=["us-east-1a", "us-east-1b"],
        )

    @property
    def size(self) -> tuple[int, int, int]:
        """Minimum, desired, maximum."""
        (group,) = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]
        return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]

    @property
    def desired(self) -> int:
        return self.size[1]

    def policy(self, name: str = "out", **settings: Any) -> str:
        """The ARN of a policy, one more instance unless `settings` say otherwise."""
        asked = settings or {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1}
        arn: str = self.scaling.put_scaling_policy(**GROUP, PolicyName=name, **asked)["PolicyARN"]
        return arn

    def policies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.scaling.describe_policies(**GROUP)["ScalingPolicies"]
        return found

    def alarm(self, arn: str, name: str = "busy", comparison: str = "GreaterThanThreshold") -> None:
        """At 70, with a policy for its action."""
        self.watch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/EC2",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=70.0,
            ComparisonOperator=comparison,
            AlarmActions=[arn],
        )

    def ring(self, name: str = "busy", value: float | None = None) -> None:
        """The alarm goes off, at a value of its metric where one is given."""
        data = {"StateReasonData": f'{{"recentDatapoints": [{value}]}}'} if value is not None else {}
        self.watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill", **data)

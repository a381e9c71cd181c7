"""Finalize destroys only what was replaced, and nothing that somebody uses again or still: what each step refuses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from app.execution.pacing import is_read
from app.planning.inventory import Ref
from app.planning.plan import PlannedStep
from app.resources import all_kinds
from sandbox.outages import Outages
from tests.kit.forked import apart
from tests.kit.noted_moves import prepared
from tests.kit.noting import Notes


class Moved:
    """The odds and ends, moved and not finalized; `hand` is somebody else's in the account."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.bench, self.plan = prepared("odds and ends", "incremental", False, self.notes)
        self.names = {(each.kind, each.name): each.ref for each in self.bench.discover() if each.platform == "classic"}
        outcome, self.journal = self.bench.execute(self.plan)
        self.bench.guarded = False  # what is done to the account happens after drift was looked for
        assert outcome == "succeeded"

    def hand(self, service: str) -> Any:
        make: Any = self.bench.boto.client
        return make(service)

    def passes(self, seconds: float = 600.0) -> None:
        self.bench.world.clock.advance(seconds)

    def ref(self, kind: str, name: str) -> Ref:
        return self.names[kind, name]

    def result(self, action: str, ref: Ref) -> dict[str, Any]:
        return dict(self.journal.lines[f"{action}/{ref}"].result or {})

    def twin(self, kind: str, name: str) -> str:
        ref = self.ref(kind, name)
        maker = all_kinds()[kind].maker or f"{kind}.launch"
        return str(self.result(maker, ref)["counterpart"])

    def classic(self, groups: list[str]) -> str:
        """A new Classic instance that runs."""
        image = self.hand("ec2").describe_images(Filters=[{"Name": "name", "Values": ["amzn2-ami-hvm-*"]}])
        made = self.hand("ec2").run_instances(
            ImageId=image["Images"][0]["ImageId"],
            MinCount=1,
            MaxCount=1,
            InstanceType="m3.medium",
            SecurityGroupIds=groups,
            Placement={"AvailabilityZone": "us-east-1a"},
        )
        self.passes()
        return str(made["Instances"][0]["InstanceId"])


Spoil = Callable[[Moved], None]


@dataclass(frozen=True)
class Case:
    """What somebody does between the move and finalize, and what the step of that subject says of it."""

    action: str
    name: str
    spoil: Spoil
    says: str
    without: tuple[str, ...] = ()  # actions that are left out, as though somebody had skipped them


def _stop_twin(moved: Moved) -> None:
    moved.hand("ec2").stop_instances(InstanceIds=[moved.twin("instance", "named")])
    moved.passes()


def _end_twin_of(name: str) -> Spoil:
    def spoil(moved: Moved) -> None:
        moved.hand("ec2").terminate_instances(InstanceIds=[moved.twin("instance", name)])
        moved.passes()

    return spoil


def _start_source(moved: Moved) -> None:
    moved.hand("ec2").start_instances(InstanceIds=[moved.ref("instance", "named").id])
    moved.passes()


def _start_and_stop_source(moved: Moved) -> None:
    _start_source(moved)
    moved.hand("ec2").stop_instances(InstanceIds=[moved.ref("instance", "named").id])
    moved.passes()


def _attach_volume(moved: Moved) -> None:
    ec2, source = moved.hand("ec2"), moved.ref("instance", "named").id
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    moved.passes()
    ec2.attach_volume(VolumeId=volume, InstanceId=source, Device="/dev/sdz")
    moved.passes()
    fate = [{"DeviceName": "/dev/sdz", "Ebs": {"DeleteOnTermination": True}}]
    ec2.modify_instance_attribute(InstanceId=source, BlockDeviceMappings=fate)


def _delete_balancers_twin(moved: Moved) -> None:
    moved.hand("elb").delete_load_balancer(LoadBalancerName=moved.twin("load_balancer", "odd"))


def _empty_balancers_twin(moved: Moved) -> None:
    members = [{"InstanceId": moved.twin("instance", "web")}]
    twin = moved.twin("load_balancer", "odd")
    moved.hand("elb").deregister_instances_from_load_balancer(LoadBalancerName=twin, Instances=members)
    moved.passes()


def _register_a_stranger(moved: Moved) -> None:
    stranger = moved.classic([moved.ref("security_group", "odd").id])
    moved.hand("elb").register_instances_with_load_balancer(
        LoadBalancerName="odd", Instances=[{"InstanceId": stranger}]
    )
    moved.passes()


def _make_another_balancer(moved: Moved) -> None:
    elb = moved.hand("elb")
    elb.delete_load_balancer(LoadBalancerName="odd")
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    elb.create_load_balancer(LoadBalancerName="odd", AvailabilityZones=["us-east-1a"], Listeners=[listener])


def _change_records(moved: Moved, **record: Any) -> None:
    dns = moved.hand("route53")
    zone = dns.list_hosted_zones()["HostedZones"][0]["Id"]
    changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    moved.passes()


def _name_the_balancer(moved: Moved) -> None:
    found = moved.hand("elb").describe_load_balancers(LoadBalancerNames=["odd"])["LoadBalancerDescriptions"][0]
    value = [{"Value": found["DNSName"]}]
    _change_records(moved, Name="late.odd.example.", Type="CNAME", TTL=60, ResourceRecords=value)


def _point_the_name_elsewhere(moved: Moved) -> None:
    value = [{"Value": "203.0.113.200"}]
    _change_records(moved, Name="one.odd.example.", Type="A", TTL=60, ResourceRecords=value)


def _delete_databases_twin(moved: Moved) -> None:
    moved.hand("rds").modify_db_instance(DBInstanceIdentifier="main", DeletionProtection=False, ApplyImmediately=True)
    moved.passes()
    moved.hand("rds").delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    moved.passes()


def _reboot_databases_twin(moved: Moved) -> None:
    moved.hand("rds").reboot_db_instance(DBInstanceIdentifier="main")


def _let_callers_in_again(moved: Moved) -> None:
    moved.hand("rds").modify_db_instance(
        DBInstanceIdentifier="main-classic", DBSecurityGroups=["default"], ApplyImmediately=True
    )
    moved.passes()


def _open_the_fence(moved: Moved) -> None:
    fence = moved.result("rds_instance.fence", moved.ref("rds_instance", "main"))["fence"]
    moved.hand("rds").authorize_db_security_group_ingress(DBSecurityGroupName=fence, CIDRIP="203.0.113.0/24")
    moved.passes()


def _replicate_the_source(moved: Moved) -> None:
    moved.hand("rds").create_db_instance_read_replica(
        DBInstanceIdentifier="late", SourceDBInstanceIdentifier="main-classic"
    )
    moved.passes(3_600)


def _go_on_calling(ref: str) -> Spoil:
    def spoil(moved: Moved) -> None:
        port = moved.hand("rds").describe_db_instances(DBInstanceIdentifier=ref)["DBInstances"][0]["Endpoint"]["Port"]
        caller = moved.classic([moved.ref("security_group", "odd").id])
        flow = {"sources": [f"instance:{caller}"], "targets": [f"rds_instance:{ref}"], "port": port}
        Outages(moved.bench.world).declare([{"id": "late", **flow}])
        moved.passes()

    return spoil


def _use_group(moved: Moved) -> None:
    moved.classic([moved.ref("security_group", "odd").id])


def _name_group(moved: Moved) -> None:
    ec2, group = moved.hand("ec2"), moved.ref("security_group", "odd").id
    late = ec2.create_security_group(GroupName="late", Description="late")["GroupId"]
    pair = {"UserId": "123456789012", "GroupId": group}
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [pair]}
    ec2.authorize_security_group_ingress(GroupId=late, IpPermissions=[rule])


def _launch_into_group(moved: Moved) -> None:
    scaling, group = moved.hand("autoscaling"), moved.ref("security_group", "odd").id
    image = moved.hand("ec2").describe_images(Filters=[{"Name": "name", "Values": ["amzn2-ami-hvm-*"]}])["Images"][0]
    made = {"LaunchConfigurationName": "late", "ImageId": image["ImageId"], "InstanceType": "m3.medium"}
    scaling.create_launch_configuration(**made, SecurityGroups=[group])
    sizes = {"MinSize": 0, "MaxSize": 0, "AvailabilityZones": ["us-east-1a"]}
    scaling.create_auto_scaling_group(AutoScalingGroupName="late", LaunchConfigurationName="late", **sizes)


def _database(moved: Moved, name: str, group: str) -> None:
    request = {"DBInstanceClass": "db.m3.medium", "Engine": "mysql", "AllocatedStorage": 10, "MasterUsername": "admin"}
    moved.hand("rds").create_db_instance(
        DBInstanceIdentifier=name, **request, MasterUserPassword="open-sesame", DBSecurityGroups=[group]
    )
    moved.passes(3_600)


def _database_in_db_group(moved: Moved) -> None:
    _database(moved, "late", "data")


def _database_lets_group_in(moved: Moved) -> None:
    rds = moved.hand("rds")
    rds.create_db_security_group(DBSecurityGroupName="late", DBSecurityGroupDescription="late")
    moved.passes()
    group = {"EC2SecurityGroupId": moved.ref("security_group", "odd").id, "EC2SecurityGroupOwnerId": "123456789012"}
    rds.authorize_db_security_group_ingress(DBSecurityGroupName="late", **group)
    _database(moved, "late", "late")


def _delete_groups_twin(moved: Moved) -> None:
    moved.hand("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=moved.twin("auto_scaling_group", "odd"), ForceDelete=True
    )
    moved.passes(3_600)


def _lose_groups_members(moved: Moved) -> None:
    scaling, name = moved.hand("autoscaling"), {"AutoScalingGroupName": moved.twin("auto_scaling_group", "odd")}
    scaling.suspend_processes(**name, ScalingProcesses=["Launch"])
    [group] = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[*name.values()])["AutoScalingGroups"]
    moved.hand("ec2").terminate_instances(InstanceIds=[each["InstanceId"] for each in group["Instances"]])
    moved.passes(3_600)


def _raise_group(moved: Moved) -> None:
    moved.hand("autoscaling").update_auto_scaling_group(AutoScalingGroupName="odd", MaxSize=1)


CLEAR, DROP, TERMINATE = ("security_group.clear",), ("instance.drop_presnapshots",), ("instance.terminate",)
CASES = [
    Case("instance.terminate", "named", _end_twin_of("named"), "has no counterpart any more", DROP),
    Case("instance.terminate", "named", _stop_twin, "is stopped: see who stopped it", DROP),
    Case("instance.terminate", "named", _start_source, "is running again"),
    Case("instance.terminate", "named", _start_and_stop_source, "was started at"),
    Case("instance.terminate", "named", _attach_volume, "was attached to"),
    Case("instance.drop_presnapshots", "large", _end_twin_of("large"), "has no counterpart any more", TERMINATE),
    Case("load_balancer.delete", "odd", _delete_balancers_twin, "has no counterpart any more"),
    Case("load_balancer.delete", "odd", _empty_balancers_twin, "No member of odd-vpc"),
    Case("load_balancer.delete", "odd", _register_a_stranger, "is in service behind odd, and not behind odd-vpc"),
    Case("load_balancer.delete", "odd", _name_the_balancer, "late.odd.example still leads to odd"),
    Case("load_balancer.delete", "odd", _make_another_balancer, "is not the load balancer that was moved"),
    Case("rds_instance.delete_source", "main", _delete_databases_twin, "There is no database main in the VPC"),
    Case("rds_instance.delete_source", "main", _reboot_databases_twin, "main, the counterpart, is rebooting"),
    Case("rds_instance.delete_source", "main", _let_callers_in_again, "is behind default and not behind"),
    Case("rds_instance.delete_source", "main", _open_the_fence, "has rules"),
    Case("rds_instance.delete_source", "main", _replicate_the_source, "late is a read replica of main-classic"),
    Case("rds_instance.delete_source", "reports", _go_on_calling("reports-classic"), "has 1 connections"),
    Case("db_security_group.delete", "data", _database_in_db_group, "late still uses"),
    Case("security_group.clear", "odd", _use_group, "still uses"),
    Case("security_group.clear", "odd", _name_group, "has a rule that names"),
    Case("security_group.clear", "odd", _launch_into_group, "auto_scaling_group:late still uses"),
    Case("security_group.clear", "odd", _database_lets_group_in, "db_security_group:late still uses"),
    Case("security_group.delete", "odd", _use_group, "still uses", CLEAR),
    Case("auto_scaling_group.delete", "odd", _delete_groups_twin, "has no counterpart any more"),
    Case("auto_scaling_group.delete", "odd", _lose_groups_members, "No member of odd-vpc"),
    Case("auto_scaling_group.delete", "odd", _raise_group, "or is to have some again"),
    Case("dns_record.restore_ttl", "one.odd.example", _point_the_name_elsewhere, "was changed by somebody else"),
]


@cache
def moved() -> Moved:
    """For children alone to change."""
    return Moved()


def refused(case: Case) -> list[str]:
    """What is wrong with how it was refused. Spoils the world that `moved` keeps."""
    world = moved()
    case.spoil(world)
    world.notes.calls.clear()
    planned = [step for step in world.plan.steps if step.action not in case.without]
    kind = case.action.partition(".")[0]
    chosen = [step for step in planned if step.action == case.action and _is_of(world, step, kind, case.name)]
    others = [step for step in planned if step.action != case.action]
    outcome, journal = world.bench.finalize(replace(world.plan, steps=tuple(others + chosen)), world.journal)
    [step] = chosen
    said = str((journal.lines[step.id].error or {}).get("detail", ""))
    changed = sorted(call for call in world.notes.calls[case.action] if not is_read(call))
    wrong = [] if outcome == "halted" and case.says in said else [f"{outcome}: {said!r} does not say {case.says!r}"]
    return wrong + [f"it called {call}" for call in changed]


def _is_of(world: Moved, step: PlannedStep, kind: str, name: str) -> bool:
    known = world.names.get((kind, name))
    return step.subject == str(known) if known else name in step.subject


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.action} {case.says}")
def test_a_step_of_finalize_says_what_it_found_and_changes_nothing(case: Case) -> None:
    moved()
    assert apart(lambda: refused(case)) == []


@pytest.mark.parametrize(
    "action", [step.action for kind in all_kinds().values() for step in kind.steps if step.phase == "finalize"]
)
def test_every_step_of_finalize_refuses_something(action: str) -> None:
    assert action in {case.action for case in CASES}


def test_what_nobody_uses_any_more_is_destroyed() -> None:
    def attempt() -> list[str]:
        world = moved()
        outcome, journal = world.bench.finalize(world.plan, world.journal)
        return [
            f"{id_}: {entry.error}" for id_, entry in journal.lines.items() if entry.error or outcome != "succeeded"
        ]

    moved()
    assert apart(attempt) == []

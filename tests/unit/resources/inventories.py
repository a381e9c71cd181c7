"""Hand-made inventories: Classic and VPC things as discovery would show them, for planning alone."""

from typing import Any

from app.planning.context import Request, Settings, Target
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Plan, PlannedStep
from app.planning.planner import make_plan
from app.resources import all_kinds

REGION = "us-east-1"
ZONE = "us-east-1a"
TARGET = Target(vpc_id="vpc-1", subnets={ZONE: "subnet-1"})


def a_group(id_: str = "sg-web", *callers: str) -> Resource:
    """A Classic group that lets port 80 in from the groups `callers`."""
    rules = [
        {
            "protocol": "tcp",
            "from_port": 80,
            "to_port": 80,
            "group": caller,
            "owner": "1",
            "group_name": caller,
            "description": "",
        }
        for caller in callers
    ]
    facts = {"description": id_, "owner": "1", "vpc": "", "tags": {}, "rules": rules}
    refers = frozenset(Ref("security_group", caller) for caller in callers if caller != id_)
    return Resource(Ref("security_group", id_), id_.removeprefix("sg-"), "classic", facts, refers)


def an_instance(id_: str = "i-1", *, group: str = "sg-web", address: str = "", **facts: Json) -> Resource:
    merged: dict[str, Json] = {
        "state": "running",
        "zone": ZONE,
        "instance_type": "t1.micro",
        "image_id": "ami-1",
        "groups": [group],
        "key_name": "",
        "iam_profile": "",
        "monitoring": False,
        "ebs_optimized": False,
        "platform": "",
        "virtualization": "hvm",
        "root_device_type": "ebs",
        "root_device_name": "/dev/xvda",
        "subnet": "",
        "vpc": "",
        "source_dest_check": True,
        "held_by": "",
        "tags": {},
        "block_devices": [a_disk()],
        "user_data_sha256": "",
        "user_data_bytes": 0,
        "termination_protection": False,
        "shutdown_behavior": "stop",
        **facts,
    }
    refers = {Ref("security_group", each) for each in merged["groups"]}
    if address:
        refers.add(Ref("elastic_ip", address))
    return Resource(Ref("instance", id_), id_, "classic", merged, frozenset(refers))


def a_disk(size: int = 8, *, delete_on_termination: bool = True, device: str = "/dev/xvda") -> dict[str, Json]:
    return {
        "device": device,
        "volume_id": f"vol-{size}",
        "delete_on_termination": delete_on_termination,
        "size": size,
        "type": "gp2",
        "iops": None,
        "encrypted": False,
    }


def an_address(public_ip: str = "54.0.0.1", instance: str = "", domain: str = "standard") -> Resource:
    facts = {"domain": domain, "instance": instance, "allocation_id": "", "tags": {}}
    refers = frozenset({Ref("instance", instance)} if instance else set())
    platform: Any = "classic" if domain == "standard" else "vpc"
    return Resource(Ref("elastic_ip", public_ip), public_ip, platform, facts, refers)


def a_vpc(id_: str = "vpc-1", **facts: Json) -> Resource:
    merged: dict[str, Json] = {
        "cidrs": ["172.20.0.0/16"],
        "tenancy": "default",
        "is_default": False,
        "dns_support": True,
        "dns_hostnames": True,
        "internet_gateway": "igw-1",
        "tags": {},
        "routes": [
            {"table": "rtb-1", "cidr": "0.0.0.0/0", "target": "igw-1"},
            {"table": "rtb-1", "cidr": "172.20.0.0/16", "target": "local"},
        ],
        "main_table": "rtb-1",
        "subnet_tables": {},
        **facts,
    }
    return Resource(Ref("vpc", id_), id_, "vpc", merged)


def a_subnet(id_: str = "subnet-1", *, vpc: str = "vpc-1", zone: str = ZONE, free: int = 100) -> Resource:
    facts = {"vpc": vpc, "zone": zone, "cidr": "172.20.0.0/24", "free_addresses": free, "public_by_default": False}
    return Resource(Ref("subnet", id_), id_, "vpc", {**facts, "tags": {}}, frozenset({Ref("vpc", vpc)}))


def a_region(**limits: int) -> Resource:
    facts = {
        "platforms": ["EC2", "VPC"],
        "limits": {"vpc-max-elastic-ips": 5, "vpc-max-security-groups-per-interface": 5, **limits},
        "offerings": {ZONE: ["c3.large", "m5.large", "t1.micro", "t2.micro"]},
    }
    return Resource(Ref("region", REGION), REGION, "classic", facts)


def an_inventory(*resources: Resource) -> Inventory:
    """With a group, a VPC, a subnet and the region, unless `resources` bring their own."""
    own = {resource.ref for resource in resources}
    usual = (a_group(), a_vpc(), a_subnet(), a_region())
    return Inventory(REGION, (*resources, *(each for each in usual if each.ref not in own)))


def plan_of(*resources: Resource, target: Target = TARGET, **request: Any) -> Plan:
    request = {"strategy": "incremental", "settings": Settings(), **request}
    return make_plan(an_inventory(*resources), Request(target=target, **request), all_kinds())


def step_of(plan: Plan, action: str) -> PlannedStep:
    """The one step of that action."""
    [step] = [step for step in plan.steps if step.action == action]
    return step


def actions(plan: Plan) -> set[str]:
    return {step.action for step in plan.steps}


def findings_of(plan: Plan) -> dict[str, str]:
    """Level by code."""
    return {finding.code: finding.level for finding in plan.findings}

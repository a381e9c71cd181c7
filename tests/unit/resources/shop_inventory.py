"""Hand-made resources of a shop in EC2-Classic, and plans of them: pure, no account behind."""

from collections.abc import Mapping
from typing import Any

from app.execution.step import Result, Run, Step
from app.planning.context import Context, Request, Target
from app.planning.inventory import Inventory, Ref, Resource
from app.planning.plan import Draft, Plan, PlannedStep, Strategy, in_service, ready
from app.planning.planner import make_plan
from app.resources import all_kinds
from app.resources.kind import Kind, Survey

VPC = "vpc-1"
SUBNETS = {"us-east-1a": "subnet-a", "us-east-1b": "subnet-b"}
TARGET = Target(vpc_id=VPC, subnets=SUBNETS)
KINDS = ("security_group", "db_security_group", "db_subnet_group", "rds_instance", "load_balancer", "dns_record")


class Launch(Step):
    """Stands for everything an instance does: here it only has to have a counterpart."""

    action = "instance.launch"
    subject = "instance"
    phase = "instances"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        reaches = {ready(resource.ref), in_service(resource.ref)}
        return Draft({}, "Launch.", reaches=frozenset(reaches), begins=frozenset({resource.ref}))

    async def do(self, run: Run) -> Result:
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        return


class Instances(Kind):
    name = "instance"
    linkable = True
    maker = "instance.launch"
    steps = (Launch(),)

    async def discover(self, survey: Survey) -> list[Resource]:
        return []


def instance(id_: str, zone: str = "us-east-1a", **more: Any) -> Resource:
    like = {"state": "running", "platform": "", "root_device_type": "ebs"}
    facts = {**like, "zone": zone, "groups": ["sg-web"], **more}
    refers = frozenset(Ref("security_group", group) for group in facts["groups"])
    return Resource(Ref("instance", id_), id_, "classic", facts, refers)


def group(id_: str = "sg-web", name: str = "web", vpc: str = "", **more: Any) -> Resource:
    facts = {"description": name, "owner": "1", "vpc": vpc, "rules": [], "tags": {}, **more}
    return Resource(Ref("security_group", id_), name, "vpc" if vpc else "classic", facts)


def vpc() -> Resource:
    return Resource(Ref("vpc", VPC), VPC, "vpc", {"cidr": "172.31.0.0/16"})


def subnet_group(name: str = "shop-db", vpc_id: str = VPC, zones: tuple[str, ...] = tuple(SUBNETS)) -> Resource:
    facts = {"description": "", "vpc": vpc_id, "subnets": [], "zones": list(zones), "tags": {}}
    return Resource(Ref("db_subnet_group", name), name, "vpc", facts)


def db_group(name: str = "db", groups: tuple[str, ...] = ("sg-web",), cidrs: tuple[str, ...] = ()) -> Resource:
    rows = [{"group": id_, "name": id_, "owner": "1"} for id_ in groups]
    facts = {"description": name, "owner": "1", "vpc": "", "groups": rows, "cidrs": list(cidrs), "tags": {}}
    refers = frozenset(Ref("security_group", id_) for id_ in groups)
    return Resource(Ref("db_security_group", name), name, "classic", facts, refers)


def database(id_: str = "main", **more: Any) -> Resource:
    facts: dict[str, Any] = {
        "state": "available",
        "class": "db.m3.medium",
        "engine": "mysql",
        "engine_version": "5.7.33",
        "license": "general-public-license",
        "storage": 10,
        "storage_type": "gp2",
        "iops": 0,
        "encrypted": False,
        "parameter_group": "default.mysql5.7",
        "option_group": "default:mysql-5-7",
        "option_group_moves": True,
        "default_option_group": "default:mysql-5-7",
        "zone": "us-east-1a",
        "port": 3306,
        "endpoint": {"address": f"{id_}.c0ffee.us-east-1.rds.amazonaws.com", "port": 3306},
        "vpc": "",
        "subnet_group": "",
        "db_security_groups": ["db"],
        "vpc_security_groups": [],
        "public": True,
        "backup_retention": 1,
        "backup_window": "03:00-03:30",
        "maintenance_window": "sun:05:00-sun:05:30",
        "auto_minor_upgrade": True,
        "copy_tags": False,
        "deletion_protection": False,
        "monitoring_interval": 0,
        "monitoring_role": "",
        "resource_id": f"db-{id_.upper()}",
        "arn": f"arn:aws:rds:us-east-1:1:db:{id_}",
        "multi_az": False,
        "replicas": [],
        "replica_of": "",
        "pending": [],
        "tags": {},
        **more,
    }
    refers = {Ref("db_security_group", name) for name in facts["db_security_groups"]}
    if facts["replica_of"]:
        refers.add(Ref("rds_instance", facts["replica_of"]))
    return Resource(Ref("rds_instance", id_), id_, "classic", facts, frozenset(refers))


def balancer(name: str = "front", *instances: str, **more: Any) -> Resource:
    facts: dict[str, Any] = {
        "dns_name": f"{name}-1.us-east-1.elb.amazonaws.com",
        "hosted_zone": "Z35",
        "scheme": "internet-facing",
        "vpc": "",
        "zones": sorted(SUBNETS),
        "subnets": [],
        "groups": [],
        "listeners": [_listener(80)],
        "backend_policies": [],
        "policies": [],
        "health_check": {
            "Target": "HTTP:8080/ok",
            "Interval": 10,
            "Timeout": 5,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 3,
        },
        "attributes": {},
        "source_group": {"owner": "amazon-elb", "name": "amazon-elb-sg"},
        "instances": sorted(instances),
        "tags": {},
        **more,
    }
    refers = frozenset(Ref("instance", id_) for id_ in instances)
    return Resource(Ref("load_balancer", name), name, "classic", facts, refers)


def _listener(port: int) -> dict[str, Any]:
    return {
        "protocol": "HTTP",
        "port": port,
        "instance_protocol": "HTTP",
        "instance_port": 80,
        "certificate": "",
        "policies": [],
    }


def record(name: str, value: str, type_: str = "CNAME", ttl: int = 300, **more: Any) -> Resource:
    shown = {"Name": f"{name}.", "Type": type_, "TTL": ttl, "ResourceRecords": [{"Value": value}]}
    facts = {"zone": "Z1", "zone_name": "shop.example.", "private": False, "record": shown, "instances": {}, **more}
    return Resource(Ref("dns_record", f"Z1/{name}/{type_}"), f"{name}.", "vpc", facts)


def plan_of(
    *resources: Resource,
    strategy: Strategy = "incremental",
    target: Target = TARGET,
    refs: tuple[str, ...] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    more_kinds: tuple[str, ...] = (),
) -> Plan:
    kinds = {"instance": Instances(), **{name: all_kinds()[name] for name in (*KINDS, *more_kinds)}}
    request = Request(strategy, target, refs=refs, overrides=overrides or {})
    return make_plan(Inventory("us-east-1", (vpc(), *resources)), request, kinds)


def steps(plan: Plan) -> dict[str, PlannedStep]:
    return {step.id: step for step in plan.steps}


def found(plan: Plan, level: str | None = None) -> dict[str, str]:
    """Codes and subjects of the findings."""
    return {each.code: each.subject for each in plan.findings if level in (None, each.level)}

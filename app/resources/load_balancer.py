"""Classic load balancers (service elb): each one in EC2-Classic gets a twin in the VPC.

One cannot be moved and its DNS name cannot be kept (aws-facts A6, ELB22): the twin is made beside it, takes
the linked Classic instances in, and their counterparts as they come.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.effects import CLASSIC_BALANCERS, Effect, Joins
from app.planning.flows import ANYWHERE, make_flow
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Finding, Flow
from app.resources.kind import ABSENT, Kind, Survey, own_members, platform_of, tags_of
from app.resources.load_balancer_deletion import Delete
from app.resources.load_balancer_findings import findings
from app.resources.load_balancer_members import behind
from app.resources.load_balancer_registering import Deregister, Register, RegisterTwin
from app.resources.load_balancer_settings import CheckAsBefore, Configure
from app.resources.load_balancer_twin import Create, CreateGroup

TAGS_PER_CALL = 20  # DescribeTags takes no more names (BC:DescribeTags)


class LoadBalancers(Kind):
    name = "load_balancer"
    maker = "load_balancer.create"
    steps = (
        CreateGroup(),
        Create(),
        Configure(),
        CheckAsBefore(),
        Register(),
        RegisterTwin(),
        Deregister(),
        Delete(),
    )
    reads = frozenset(
        {
            "elb.describe_load_balancer_attributes",
            "elb.describe_load_balancer_policies",
            "elb.describe_load_balancers",
            "elb.describe_tags",
        }
    )
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "cloudwatch.get_metric_statistics": {
            "Namespace": "AWS/ELB",
            "MetricName": "RequestCount",
            "StartTime": "2021-01-01T00:00:00Z",
            "EndTime": "2021-01-01T01:00:00Z",
            "Period": 3600,
            "Statistics": ["Sum"],
        },
        "elb.describe_load_balancers": {"PageSize": 1},
        "elb.describe_instance_health": {"LoadBalancerName": ABSENT},
        "elb.describe_load_balancer_attributes": {"LoadBalancerName": ABSENT},
        "elb.describe_load_balancer_policies": {"LoadBalancerName": ABSENT},
        "elb.describe_tags": {"LoadBalancerNames": [ABSENT]},
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: dns_name, hosted_zone, scheme, vpc, zones, subnets, groups, listeners, policies,
        backend_policies, health_check, attributes, source_group, instances, tags."""
        all_ = await survey.all("elb.describe_load_balancers", "LoadBalancerDescriptions[]")
        items = [item for item in all_ if survey.wants(item["LoadBalancerName"])]
        tags = await _tags(survey, [item["LoadBalancerName"] for item in items])
        found = []
        for item in items:
            ref = Ref("load_balancer", item["LoadBalancerName"])
            facts = _facts(item) | {
                "attributes": await _attributes(survey, ref),
                "policies": await _policies(survey, ref, item),
                "tags": tags.get(ref.id, {}),
            }
            instances = {Ref("instance", id_) for id_ in facts["instances"]}
            groups = {Ref("security_group", id_) for id_ in facts["groups"]}
            platform = platform_of(item.get("VPCId"))
            found.append(Resource(ref, ref.id, platform, facts, frozenset(instances | groups)))
        return found

    def flows(self, resource: Resource, inventory: Inventory) -> Iterator[Flow]:
        """It checks and forwards to its members; and whoever calls it does so on its listeners' ports."""
        members = [party.ref for party in behind(resource, inventory)]
        for port in sorted(ports_behind(resource.facts)):
            rule = f"{resource.ref} checks and forwards to its members"
            yield make_flow(rule, [resource.ref], members, ports=(port, port))
        if resource.facts["scheme"] == "internet-facing":
            for listener in resource.facts["listeners"]:
                rule = f"{resource.ref} takes in whoever calls"
                yield make_flow(rule, [ANYWHERE], [resource.ref], ports=(listener["port"], listener["port"]))

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        own = tuple(resource.facts["groups"])
        yield Joins(str(resource.ref), own if resource.platform == "vpc" else (CLASSIC_BALANCERS,))

    def steady(self, resource: Resource, inventory: Inventory) -> Mapping[str, Json]:
        return {**resource.facts, "instances": own_members(resource.facts["instances"], inventory)}

    def findings(self, ctx: Context) -> Iterator[Finding]:
        return findings(ctx)


def ports_behind(facts: Mapping[str, Json]) -> set[int]:
    """The instance ports it calls: of its listeners and of its health check (TCP:80, HTTP:80/path)."""
    checked = int(facts["health_check"]["Target"].split(":")[1].split("/")[0])
    return {checked, *(listener["instance_port"] for listener in facts["listeners"])}


def _facts(item: Mapping[str, Any]) -> dict[str, Json]:
    source = item.get("SourceSecurityGroup") or {}
    return {
        "dns_name": item["DNSName"],
        "hosted_zone": item.get("CanonicalHostedZoneNameID", ""),
        "scheme": item.get("Scheme", "internet-facing"),
        "vpc": item.get("VPCId", ""),
        "zones": sorted(item.get("AvailabilityZones", ())),
        "subnets": sorted(item.get("Subnets", ())),
        "groups": sorted(item.get("SecurityGroups", ())),
        "listeners": sorted(map(_listener, item["ListenerDescriptions"]), key=lambda row: row["port"]),
        "backend_policies": [
            {"port": each["InstancePort"], "policies": sorted(each["PolicyNames"])}
            for each in sorted(item.get("BackendServerDescriptions", ()), key=lambda row: row["InstancePort"])
        ],
        "health_check": dict(item["HealthCheck"]),
        "source_group": {"owner": source.get("OwnerAlias", ""), "name": source.get("GroupName", "")},
        "instances": sorted(member["InstanceId"] for member in item.get("Instances", ())),
    }


def _listener(description: Mapping[str, Any]) -> dict[str, Json]:
    listener = description["Listener"]
    return {
        "protocol": listener["Protocol"],
        "port": listener["LoadBalancerPort"],
        "instance_protocol": listener["InstanceProtocol"],
        "instance_port": listener["InstancePort"],
        "certificate": listener.get("SSLCertificateId", ""),
        "policies": sorted(description.get("PolicyNames", ())),
    }


async def _tags(survey: Survey, names: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(names), TAGS_PER_CALL):
        some = names[start : start + TAGS_PER_CALL]
        answer = await survey.one(None, "elb.describe_tags", LoadBalancerNames=some)
        for each in answer["TagDescriptions"] if answer else ():
            found[each["LoadBalancerName"]] = tags_of(each)
    return found


async def _attributes(survey: Survey, ref: Ref) -> dict[str, Json]:
    answer = await survey.one(ref, "elb.describe_load_balancer_attributes", LoadBalancerName=ref.id)
    attributes = dict(answer["LoadBalancerAttributes"]) if answer else {}
    if "AdditionalAttributes" in attributes:
        attributes["AdditionalAttributes"] = sorted(attributes["AdditionalAttributes"], key=lambda row: row["Key"])
    return attributes


async def _policies(survey: Survey, ref: Ref, item: Mapping[str, Any]) -> list[dict[str, Json]]:
    """Every policy with its attributes: what DescribeLoadBalancers tells of them is names alone."""
    if not any((item.get("Policies") or {}).values()):
        return []
    answer = await survey.one(ref, "elb.describe_load_balancer_policies", LoadBalancerName=ref.id)
    policies = [
        {
            "name": policy["PolicyName"],
            "type": policy["PolicyTypeName"],
            "attributes": sorted(
                [each["AttributeName"], each.get("AttributeValue", "")]
                for each in policy.get("PolicyAttributeDescriptions", ())
            ),
        }
        for policy in (answer["PolicyDescriptions"] if answer else ())
    ]
    return sorted(policies, key=lambda policy: str(policy["name"]))


KIND = LoadBalancers()

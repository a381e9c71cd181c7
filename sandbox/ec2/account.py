"""What an account has in a region before anything is made: attributes, zones, instance types on offer."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.describing import Field, paginate, select
from sandbox.ec2.instance_types import known_types
from sandbox.ec2.subnets import zone_id
from sandbox.ec2.vpcs import Vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

REGIONS = (
    "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1", "sa-east-1", "us-east-1",
    "us-west-1", "us-west-2",
)  # fmt: skip  # those that ever had EC2-Classic


@operation("ec2", "DescribeAccountAttributes")
def describe_account_attributes(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """`supported-platforms` contains EC2 exactly where the account has EC2-Classic (aws-facts A0)."""
    default = next((vpc.id for vpc in place.table(Vpc).values() if vpc.is_default), "none")
    limits = place.limits
    values: dict[str, list[str]] = {
        "supported-platforms": ["EC2", "VPC"] if place.has_classic else ["VPC"],
        "default-vpc": [default],
        "max-instances": [str(limits.instances)],
        "vpc-max-security-groups-per-interface": [str(limits.groups_per_interface)],
        "max-elastic-ips": [str(limits.elastic_ips_classic)],
        "vpc-max-elastic-ips": [str(limits.elastic_ips_vpc)],
    }
    asked = request.get("AttributeNames") or list(values)
    if unknown := set(asked) - set(values):
        raise AwsError("InvalidParameterValue", f"Unknown account attributes: {', '.join(sorted(unknown))}")
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": value} for value in values[name]]}
            for name in asked
        ]
    }


_ZONE_FIELDS: Mapping[str, Field] = {
    "zone-name": lambda view: [view["ZoneName"]],
    "zone-id": lambda view: [view["ZoneId"]],
    "region-name": lambda view: [view["RegionName"]],
    "state": lambda view: [view["State"]],
    "zone-type": lambda view: [view["ZoneType"]],
    "opt-in-status": lambda view: [view["OptInStatus"]],
    "group-name": lambda view: [view["GroupName"]],
}


@operation("ec2", "DescribeAvailabilityZones")
def describe_availability_zones(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [
        (
            zone,
            {
                "ZoneName": zone,
                "ZoneId": zone_id(place, zone),
                "ZoneType": "availability-zone",
                "RegionName": place.region,
                "GroupName": place.region,
                "NetworkBorderGroup": place.region,
                "OptInStatus": "opt-in-not-required",
                "State": "available",
                "Messages": [],
            },
        )
        for zone in place.zones
    ]
    asked = dict(request)
    if ids := request.get("ZoneIds"):
        by_id = {zone_id(place, zone): zone for zone in place.zones}
        asked["ZoneNames"] = [*(request.get("ZoneNames") or ()), *(by_id.get(one, one) for one in ids)]
    chosen = select(place, asked, views, _ZONE_FIELDS, ids_param="ZoneNames", not_found_code="InvalidParameterValue")
    return {"AvailabilityZones": chosen}


_REGION_FIELDS: Mapping[str, Field] = {
    "region-name": lambda view: [view["RegionName"]],
    "endpoint": lambda view: [view["Endpoint"]],
    "opt-in-status": lambda view: [view["OptInStatus"]],
}


@operation("ec2", "DescribeRegions")
def describe_regions(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [
        (
            region,
            {
                "RegionName": region,
                "Endpoint": f"ec2.{region}.amazonaws.com",
                "OptInStatus": "opt-in-not-required",
            },
        )
        for region in REGIONS
    ]
    chosen = select(
        place, request, views, _REGION_FIELDS,
        ids_param="RegionNames", not_found_code="InvalidParameterValue",
    )  # fmt: skip
    return {"Regions": chosen}


_OFFERING_FIELDS: Mapping[str, Field] = {
    "instance-type": lambda view: [view["InstanceType"]],
    "location": lambda view: [view["Location"]],
}


@operation("ec2", "DescribeInstanceTypeOfferings")
def describe_instance_type_offerings(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The same types in every zone."""
    kind = request.get("LocationType", "region")
    locations = {
        "region": [place.region],
        "availability-zone": place.zones,
        "availability-zone-id": [zone_id(place, zone) for zone in place.zones],
    }
    if kind not in locations:
        raise AwsError("InvalidParameterValue", f"The sandbox has no locations of type {kind}.")
    views = [
        (
            f"{instance_type}@{location}",
            {"InstanceType": instance_type, "LocationType": kind, "Location": location},
        )
        for location in locations[kind]
        for instance_type in known_types()
    ]
    chosen = select(place, request, views, _OFFERING_FIELDS)
    return paginate(chosen, request, "InstanceTypeOfferings")

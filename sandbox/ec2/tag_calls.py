"""CreateTags, DeleteTags and DescribeTags."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.ec2.describing import paginate, select
from sandbox.ec2.tags import TagSet, drop_tags, set_tags
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

# Prefix of an id -> the type as tags name it, and the code when there is no such thing.
_TYPES = {
    "i": ("instance", "InvalidInstanceID.NotFound"),
    "ami": ("image", "InvalidAMIID.NotFound"),
    "snap": ("snapshot", "InvalidSnapshot.NotFound"),
    "vol": ("volume", "InvalidVolume.NotFound"),
    "sg": ("security-group", "InvalidGroup.NotFound"),
    "sgr": ("security-group-rule", "InvalidSecurityGroupRuleId.NotFound"),
    "vpc": ("vpc", "InvalidVpcID.NotFound"),
    "subnet": ("subnet", "InvalidSubnetID.NotFound"),
    "rtb": ("route-table", "InvalidRouteTableID.NotFound"),
    "igw": ("internet-gateway", "InvalidInternetGatewayID.NotFound"),
    "nat": ("natgateway", "NatGatewayNotFound"),
    "eni": ("network-interface", "InvalidNetworkInterfaceID.NotFound"),
    "acl": ("network-acl", "InvalidNetworkAclID.NotFound"),
    "dopt": ("dhcp-options", "InvalidDhcpOptionID.NotFound"),
    "eipalloc": ("elastic-ip", "InvalidAllocationID.NotFound"),
    "key": ("key-pair", "InvalidKeyPair.NotFound"),
    "lt": ("launch-template", "InvalidLaunchTemplateId.NotFound"),
}

# For things that are not in a table of their own: prefix of the id -> whether there is such a thing.
finders: dict[str, Callable[[Place, str], bool]] = {}


def _require(place: Place, resource_ids: Iterable[str]) -> None:
    for resource_id in resource_ids:
        prefix = resource_id.partition("-")[0]
        if prefix not in _TYPES:
            raise AwsError("InvalidID", f"The ID '{resource_id}' is not valid")
        finder = finders.get(prefix, Place.holds)
        if not finder(place, resource_id):
            kind, code = _TYPES[prefix]
            raise AwsError(code, f"The {kind} ID '{resource_id}' does not exist")


@operation("ec2", "CreateTags")
def create_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Overwrites. Addresses in EC2-Classic have no tags (aws-facts A3): they have no id to name."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
    _require(place, request["Resources"])
    for resource_id in request["Resources"]:
        set_tags(place, resource_id, tags)
    return {}


@operation("ec2", "DeleteTags")
def delete_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Without `Tags` all go; with a `Value` only where the value is the same. Absent tags are no error."""
    for resource_id in request["Resources"]:
        if "Tags" not in request:
            drop_tags(place, resource_id)
            continue
        found = place.table(TagSet).get(resource_id)
        for tag in request["Tags"] if found else ():
            if found and ("Value" not in tag or found.tags.get(tag["Key"]) == tag["Value"]):
                found.tags.pop(tag["Key"], None)
    return {}


@operation("ec2", "DescribeTags")
def describe_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [
        (
            resource_id,
            {
                "ResourceId": resource_id,
                "ResourceType": _TYPES.get(resource_id.partition("-")[0], ("instance", ""))[0],
                "Key": key,
                "Value": value,
            },
        )
        for resource_id, found in place.table(TagSet).items()
        for key, value in found.tags.items()
    ]
    fields: dict[str, Callable[[dict[str, Any]], Iterable[str]]] = {
        "resource-id": lambda view: [view["ResourceId"]],
        "resource-type": lambda view: [view["ResourceType"]],
        "key": lambda view: [view["Key"]],
        "value": lambda view: [view["Value"]],
    }
    return paginate(select(place, request, views, fields), request, "Tags")

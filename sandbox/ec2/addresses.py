"""Elastic IPs of both domains: allocating, releasing and describing them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.ec2.describing import Field, select
from sandbox.ec2.instances import Instance
from sandbox.ec2.lookup import named
from sandbox.ec2.public_pool import new_public_ip
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class Address:
    """Kept by `public_ip`. One on its way to a VPC has its allocation id already, but answers to it later."""

    public_ip: str
    domain: str  # standard (EC2-Classic) | vpc
    allocated_at: datetime
    visible_at: datetime
    allocation_id: str | None = None
    association_id: str | None = None
    instance_id: str | None = None
    was_classic: bool = False  # moved from Classic: only such a one can be restored there
    move_status: str | None = None  # movingToVpc | restoringToClassic


def address_of(place: Place, instance_id: str) -> Address | None:
    """The Elastic IP of an instance."""
    return next((each for each in place.table(Address).values() if each.instance_id == instance_id), None)


def drop_association(address: Address) -> None:
    address.instance_id = address.association_id = None


def named_address(place: Place, public_ip: str) -> Address:
    """Raises InvalidAddress.NotFound."""
    return named(place, Address, public_ip, "InvalidAddress.NotFound", "address")


def allocated_address(place: Place, allocation_id: str) -> Address:
    """An address in the domain vpc. Raises InvalidAllocationID.NotFound."""
    for address in place.seen(Address).values():
        if address.domain == "vpc" and address.allocation_id == allocation_id:
            return address
    raise AwsError("InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist")


def refuse_moving(address: Address) -> None:
    """Raises IncorrectState for one that is between the platforms."""
    if address.move_status:
        raise AwsError("IncorrectState", f"The address {address.public_ip} is being moved to another platform.")


def check_quota(place: Place, domain: str) -> None:
    """Each domain has its own; a move counts on the domain it goes to (aws-facts A3).
    Raises AddressLimitExceeded."""
    going = {"movingToVpc": "vpc", "restoringToClassic": "standard"}
    held = sum(
        1 for each in place.table(Address).values() if domain in (each.domain, going.get(each.move_status or ""))
    )
    limits = place.limits
    most = limits.elastic_ips_vpc if domain == "vpc" else limits.elastic_ips_classic
    if held >= most:
        raise AwsError("AddressLimitExceeded", "The maximum number of addresses has been reached.")


@operation("ec2", "AllocateAddress")
def allocate_address(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """For EC2-Classic unless told, where the account has that. It has no client token: repeated, it
    allocates another."""
    domain = request.get("Domain", "standard" if place.has_classic else "vpc")
    tags = requested_tags(request, "elastic-ip")
    if domain == "standard" and not place.has_classic:
        raise AwsError("InvalidParameterValue", "Invalid value 'standard' for domain: there is no EC2-Classic.")
    if domain == "standard" and tags:
        raise AwsError("UnsupportedOperation", "Addresses for EC2-Classic cannot have tags.")  # aws-facts A3
    if request.get("Address"):
        raise AwsError("InvalidAddress.NotFound", f"The address '{request['Address']}' cannot be recovered.")
    check_quota(place, domain)
    address = Address(
        public_ip=new_public_ip(place),
        domain=domain,
        allocated_at=place.clock.now(),
        visible_at=place.visible_from_now(),
        allocation_id=place.new_id("eipalloc") if domain == "vpc" else None,
    )
    place.table(Address)[address.public_ip] = address
    set_tags(place, address.allocation_id or address.public_ip, tags)
    answer = {"PublicIp": address.public_ip, "Domain": domain, "PublicIpv4Pool": "amazon"}
    if address.allocation_id:
        answer |= {"AllocationId": address.allocation_id, "NetworkBorderGroup": place.region}
    return answer


@operation("ec2", "ReleaseAddress")
def release_address(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """By PublicIp in EC2-Classic, where it also disassociates; by AllocationId in a VPC, where it must
    be disassociated first: InvalidIPAddress.InUse."""
    if request.get("AllocationId"):
        address = allocated_address(place, request["AllocationId"])
    else:
        address = named_address(place, request.get("PublicIp", ""))
        if address.domain == "vpc":
            raise AwsError(
                "InvalidParameterValue",
                "You must specify an allocation id when releasing a VPC elastic IP address",
            )
    refuse_moving(address)
    if address.domain == "vpc" and address.association_id:
        raise AwsError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use: disassociate it first.")
    holder = place.table(Instance).get(address.instance_id or "")
    if holder is not None:
        holder.public_ip = new_public_ip(place)
    del place.table(Address)[address.public_ip]
    drop_tags(place, address.allocation_id or address.public_ip)
    place.changed()
    return {}


def address_view(place: Place, address: Address) -> dict[str, Any]:
    view: dict[str, Any] = {
        "PublicIp": address.public_ip,
        "Domain": address.domain,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": place.region,
    }
    instance = place.table(Instance).get(address.instance_id or "")
    if address.domain == "standard":
        return view | {"InstanceId": instance.id if instance else ""}
    view["AllocationId"] = address.allocation_id
    if instance is not None:
        view |= {
            "InstanceId": instance.id,
            "AssociationId": address.association_id,
            "NetworkInterfaceId": instance.network_interface_id,
            "NetworkInterfaceOwnerId": place.account_id,
            "PrivateIpAddress": instance.private_ip,
        }
    tags = tag_list(place, address.allocation_id or "")
    return {**view, "Tags": tags} if tags else view


ADDRESS_FILTERS: dict[str, Field] = {
    "allocation-id": lambda view: [view.get("AllocationId")],
    "association-id": lambda view: [view.get("AssociationId")],
    "domain": lambda view: [view["Domain"]],
    "instance-id": lambda view: [view.get("InstanceId") or None],
    "network-border-group": lambda view: [view["NetworkBorderGroup"]],
    "network-interface-id": lambda view: [view.get("NetworkInterfaceId")],
    "network-interface-owner-id": lambda view: [view.get("NetworkInterfaceOwnerId")],
    "private-ip-address": lambda view: [view.get("PrivateIpAddress")],
    "public-ip": lambda view: [view["PublicIp"]],
}


@operation("ec2", "DescribeAddresses")
def describe_addresses(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    addresses = list(place.seen(Address).values())
    if request.get("PublicIps"):
        addresses = [named_address(place, public_ip) for public_ip in request["PublicIps"]]
    views = (
        (
            each.allocation_id if each.domain == "vpc" and each.allocation_id else each.public_ip,
            partial(address_view, place, each),
        )
        for each in addresses
    )
    found = select(
        place,
        request,
        views,
        ADDRESS_FILTERS,
        ids_param="AllocationIds",
        not_found_code="InvalidAllocationID.NotFound",
    )
    return {"Addresses": found}

"""Moving Elastic IPs from EC2-Classic to VPC and back (aws-facts A3)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.ec2.addresses import Address, check_quota, named_address
from sandbox.ec2.describing import Field, paginate, select
from sandbox.ec2.tags import drop_tags
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

LEAST_AGE = timedelta(hours=24)  # of an address that moves to VPC


@operation("ec2", "MoveAddressToVpc")
def move_address_to_vpc(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidIPAddress.InUse, AddressLimitExceeded, and InvalidState for one younger than 24 hours
    (which code AWS has for that has no source)."""
    address = named_address(place, request["PublicIp"])
    if address.domain == "vpc" and address.move_status is None:
        return {"AllocationId": address.allocation_id, "Status": "InVpc"}
    if address.move_status != "movingToVpc":
        _check_free(address)
        if place.clock.now() - address.allocated_at <= LEAST_AGE:
            raise AwsError(
                "InvalidState",
                f"The address {address.public_ip} cannot be moved: it must have been allocated to your account "
                "for more than 24 hours.",
            )
        check_quota(place, "vpc")
        address.allocation_id = place.new_id("eipalloc")
        address.move_status = "movingToVpc"
        place.clock.after(place.durations.address_move, lambda: _moved(place, address))
    return {"AllocationId": address.allocation_id, "Status": "MoveInProgress"}


def _moved(place: Place, address: Address) -> None:
    address.domain, address.move_status, address.was_classic = "vpc", None, True
    place.changed()


@operation("ec2", "RestoreAddressToClassic")
def restore_address_to_classic(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Only for one that was moved; its tags are lost. Raises InvalidIPAddress.InUse, AddressLimitExceeded,
    and InvalidState for one that never was in EC2-Classic (no source for that code)."""
    address = named_address(place, request["PublicIp"])
    if address.domain == "standard" and address.move_status is None:
        return {"PublicIp": address.public_ip, "Status": "InClassic"}
    if address.move_status != "restoringToClassic":
        _check_free(address)
        if not address.was_classic:
            raise AwsError(
                "InvalidState",
                f"The address {address.public_ip} was not moved from EC2-Classic and cannot be restored to it.",
            )
        check_quota(place, "standard")
        address.move_status = "restoringToClassic"
        place.clock.after(place.durations.address_move, lambda: _restored(place, address))
    return {"PublicIp": address.public_ip, "Status": "MoveInProgress"}


def _restored(place: Place, address: Address) -> None:
    drop_tags(place, address.allocation_id or "")
    address.domain, address.move_status, address.was_classic = "standard", None, False
    address.allocation_id = None
    place.changed()


def _check_free(address: Address) -> None:
    if address.move_status:
        raise AwsError("InvalidState", f"The address {address.public_ip} is already being moved.")
    if address.instance_id:
        raise AwsError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use: disassociate it first.")


MOVING_FILTERS: dict[str, Field] = {
    "moving-status": lambda view: [view["MoveStatus"][0].upper() + view["MoveStatus"][1:]],
}


@operation("ec2", "DescribeMovingAddresses")
def describe_moving_addresses(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Only those on their way: one that is not listed has arrived or never left."""
    wanted = [named_address(place, public_ip).public_ip for public_ip in request.get("PublicIps") or ()]
    views = [
        (each.public_ip, {"PublicIp": each.public_ip, "MoveStatus": each.move_status})
        for each in place.seen(Address).values()
        if each.move_status and (not wanted or each.public_ip in wanted)
    ]
    return paginate(select(place, request, views, MOVING_FILTERS), request, "MovingAddressStatuses")

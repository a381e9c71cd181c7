"""Associating Elastic IPs with instances of their platform."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.addresses import (
    Address,
    address_of,
    allocated_address,
    drop_association,
    named_address,
    refuse_moving,
)
from sandbox.ec2.instance_states import give_public_ip
from sandbox.ec2.instances import Instance, named_instance, refuse_state
from sandbox.ec2.internet_gateways import InternetGateway
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "AssociateAddress")
def associate_address(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent. In EC2-Classic (by PublicIp) a taken address moves over silently; in a VPC (by
    AllocationId) that needs AllowReassociation: Resource.AlreadyAssociated (aws-facts A3, PLAT)."""
    instance = _instance(place, request)
    address = _address(place, request, instance)
    refuse_moving(address)
    _check_state(place, instance)
    if address.instance_id == instance.id:
        return _answer(address)
    former = address_of(place, instance.id)
    if (address.instance_id or former) and not _may_reassociate(place, address, request):
        taken = address if address.instance_id else former
        raise AwsError(
            "Resource.AlreadyAssociated",
            f"resource {taken.allocation_id if taken else ''} is already associated with associate-id "
            f"{taken.association_id if taken else ''}",
        )
    if former is not None:
        drop_association(former)
    _take_away(place, address)
    address.instance_id = instance.id
    address.association_id = place.new_id("eipassoc") if address.domain == "vpc" else None
    instance.public_ip = address.public_ip
    place.changed()
    return _answer(address)


def _answer(address: Address) -> dict[str, Any]:
    return {"AssociationId": address.association_id} if address.association_id else {}


def _instance(place: Place, request: Mapping[str, Any]) -> Instance:
    interface_id = request.get("NetworkInterfaceId")
    if not interface_id:
        if not request.get("InstanceId"):
            raise AwsError("MissingParameter", "Either instance ID or network interface id must be specified")
        return named_instance(place, request["InstanceId"])
    for instance in place.seen(Instance).values():
        if instance.network_interface_id == interface_id and instance.state != "terminated":
            return instance
    raise AwsError("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{interface_id}' does not exist")


def _address(place: Place, request: Mapping[str, Any], instance: Instance) -> Address:
    if request.get("AllocationId"):
        address = allocated_address(place, request["AllocationId"])
    else:
        address = named_address(place, request.get("PublicIp", ""))
        if address.domain == "vpc" and instance.in_classic and address.was_classic:
            raise AwsError(
                "EIPMigratedToVpc", f"The address {address.public_ip} was moved to VPC: not for EC2-Classic."
            )
        if address.domain == "vpc" or not instance.in_classic:
            raise AwsError(
                "InvalidParameterCombination",
                "You must specify an allocation id when mapping an address to a VPC instance",
            )
    if address.domain == "vpc" and instance.in_classic:  # a linked instance is one as well (aws-facts A1)
        raise AwsError(
            "InvalidParameterCombination",
            f"The address {address.public_ip} is for a VPC; instance '{instance.id}' is in EC2-Classic",
        )
    return address


def _check_state(place: Place, instance: Instance) -> None:
    """A pending instance takes no address yet (ERR, IncorrectInstanceState)."""
    states = ("running",) if instance.in_classic else ("running", "stopping", "stopped")
    if instance.state not in states:
        raise refuse_state(instance, "associated with an address")
    gateways = place.table(InternetGateway).values()
    if instance.vpc_id and all(gateway.vpc_id != instance.vpc_id for gateway in gateways):
        raise AwsError("Gateway.NotAttached", f"Network {instance.vpc_id} is not attached to any internet gateway")


def _may_reassociate(place: Place, address: Address, request: Mapping[str, Any]) -> bool:
    """An account that never had EC2-Classic re-associates unless told not to; others only if told to."""
    if address.domain == "standard":
        return True
    return bool(request.get("AllowReassociation", not place.has_classic))


def _take_away(place: Place, address: Address) -> None:
    """From whoever has it; a running instance that had a public address of its own gets a new one."""
    holder = place.table(Instance).get(address.instance_id or "")
    drop_association(address)
    if holder is not None and holder.state == "running":
        give_public_ip(place, holder)
    elif holder is not None:
        holder.public_ip = None


@operation("ec2", "DisassociateAddress")
def disassociate_address(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """By AssociationId in a VPC, by PublicIp in EC2-Classic, where there is no error without association."""
    if request.get("AssociationId"):
        address = _associated(place, request["AssociationId"])
    else:
        address = named_address(place, request.get("PublicIp", ""))
        if address.domain == "vpc":
            raise AwsError(
                "InvalidParameterValue",
                "You must specify an association id when unmapping an address from a VPC instance",
            )
    _take_away(place, address)
    place.changed()
    return {}


def _associated(place: Place, association_id: str) -> Address:
    for address in place.seen(Address).values():
        if address.association_id == association_id:
            return address
    raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")

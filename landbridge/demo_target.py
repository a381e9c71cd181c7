"""Where the demo moves things: the VPC that the account already has for it, else one of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Thing = Mapping[str, Any]

# ClassicLink refuses most of 10/8, where Classic itself lives; 172.20 is free (aws-facts A1).
NEW_VPC = {"create": {"cidr": "172.20.0.0/16"}}


def choose_target(resources: Sequence[Thing]) -> dict[str, Any]:
    """A plan's `target`: the only VPC if it has a subnet in every zone that Classic things are in.

    Which of several VPCs was meant is a person's decision; the demo makes a new one then.
    """
    vpcs = [resource for resource in resources if resource["kind"] == "vpc"]
    if len(vpcs) != 1:
        return NEW_VPC
    vpc_id = plain_id(vpcs[0])
    subnets = {
        str(subnet["facts"]["zone"]): plain_id(subnet)
        for subnet in sorted(resources, key=lambda one: str(one["ref"]), reverse=True)
        if subnet["kind"] == "subnet" and subnet["facts"].get("vpc") == vpc_id
    }
    if not subnets or not zones_in_use(resources) <= subnets.keys():
        return NEW_VPC
    target: dict[str, Any] = {"vpc_id": vpc_id, "subnets": dict(sorted(subnets.items()))}
    groups = [one for one in resources if one["kind"] == "db_subnet_group" and one["facts"].get("vpc") == vpc_id]
    if len(groups) == 1:
        target["db_subnet_group"] = plain_id(groups[0])
    return target


def zones_in_use(resources: Sequence[Thing]) -> set[str]:
    """The zones that Classic instances run in, and those that Classic groups may start theirs in."""
    classic = [one for one in resources if one["platform"] == "classic"]
    zones = {str(one["facts"]["zone"]) for one in classic if one["kind"] == "instance" and one["facts"].get("zone")}
    return zones.union(*(one["facts"].get("zones", ()) for one in classic if one["kind"] == "auto_scaling_group"))


def plain_id(resource: Thing) -> str:
    """A ref without its kind."""
    return str(resource["ref"]).partition(":")[2]

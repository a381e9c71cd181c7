"""Whether a plan's target is what the inventory holds, and which subnets it means."""

from collections.abc import Iterator, Mapping

from app.errors import FieldError, Invalid
from app.planning.inventory import Inventory, Ref, Resource
from app.plans.wanted import PlanTarget
from app.resources import all_kinds


def settled(target: PlanTarget, inventory: Inventory) -> PlanTarget:
    """The target with its subnets filled in; raises Invalid that points at what does not fit."""
    if target.vpc_id is None:
        return target
    vpc_id = target.vpc_id
    check(unknown_vpc(vpc_id, inventory))
    check(wrong_group(target, inventory))
    if target.subnets is None:
        return target.model_copy(update={"subnets": the_only_ones(vpc_id, inventory)})
    check(e for zone, subnet in target.subnets.items() for e in wrong_subnet(zone, subnet, vpc_id, inventory))
    return target


def check(errors: Iterator[FieldError]) -> None:
    """Raises Invalid if there are any."""
    found = list(errors)
    if found:
        raise Invalid(found[0].detail, errors=found)


def unknown_vpc(vpc_id: str, inventory: Inventory) -> Iterator[FieldError]:
    """The VPC must be in the account and region that were discovered."""
    if Ref("vpc", vpc_id) not in inventory:
        known = ", ".join(vpc.ref.id for vpc in inventory.of("vpc")) or "none"
        yield FieldError(
            "/target/vpc_id",
            "unknown_vpc",
            f"{vpc_id} is not among the VPCs of the inventory ({known}): name one of those, or discover again.",
        )


def wrong_subnet(zone: str, subnet_id: str, vpc_id: str, inventory: Inventory) -> Iterator[FieldError]:
    """A subnet must be there, in the VPC, and in the zone it is given for."""
    pointer = f"/target/subnets/{escaped(zone)}"
    subnet = inventory.get(Ref("subnet", subnet_id))
    if subnet is None:
        detail = f"{subnet_id} is not in the inventory: name a subnet of {vpc_id}, or discover again."
        yield FieldError(pointer, "unknown_subnet", detail)
    elif subnet.facts["vpc"] != vpc_id:
        detail = f"{subnet_id} belongs to {subnet.facts['vpc']}: name a subnet of {vpc_id}."
        yield FieldError(pointer, "other_vpc", detail)
    elif subnet.facts["zone"] != zone:
        detail = f"{subnet_id} lies in {subnet.facts['zone']}: name a subnet of {zone}, or give it for its own zone."
        yield FieldError(pointer, "other_zone", detail)


def the_only_ones(vpc_id: str, inventory: Inventory) -> Mapping[str, str]:
    """The VPC's subnet in each zone; raises Invalid where a zone has several, since the choice is a person's."""
    by_zone: dict[str, list[Resource]] = {}
    for subnet in inventory.of("subnet"):
        if subnet.facts["vpc"] == vpc_id:
            by_zone.setdefault(str(subnet.facts["zone"]), []).append(subnet)
    check(
        FieldError(
            f"/target/subnets/{escaped(zone)}",
            "several_subnets",
            f"{vpc_id} has several subnets in {zone}: choose one of {', '.join(s.ref.id for s in subnets)}.",
        )
        for zone, subnets in sorted(by_zone.items())
        if len(subnets) > 1
    )
    return {zone: subnets[0].ref.id for zone, subnets in sorted(by_zone.items())}


def wrong_group(target: PlanTarget, inventory: Inventory) -> Iterator[FieldError]:
    """A DB subnet group must be there, where discovery reads them at all."""
    name = target.db_subnet_group
    if name is None or "db_subnet_group" not in all_kinds():
        return
    if Ref("db_subnet_group", name) not in inventory:
        detail = f"{name} is not among the DB subnet groups of the inventory: name one of those, or discover again."
        yield FieldError("/target/db_subnet_group", "unknown_db_subnet_group", detail)


def escaped(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")

"""What a person must know before Elastic IPs move (aws-facts A3)."""

from collections.abc import Iterator

from app.planning.context import Context
from app.planning.inventory import Ref, Resource
from app.planning.plan import Finding

VPC_ADDRESSES = 5  # aws-facts A3 (QUOTA), where the account's own limit could not be read


def findings(ctx: Context) -> Iterator[Finding]:
    moving = list(ctx.moving("elastic_ip"))
    if not moving:
        return
    yield from _quota(len(moving), ctx)
    for address in moving:
        if address.facts["instance"] and not holder_of(address, ctx):
            yield Finding(
                "blocker",
                "address_without_its_instance",
                str(address.ref),
                f"{address.name} belongs to {address.facts['instance']}, which stays in EC2-Classic and would lose "
                "it: add the instance to the scope, or take the address out.",
            )
    subject, count = f"region:{ctx.inventory.region}", len(moving)
    yield Finding(
        "note",
        "address_age_unknown",
        subject,
        f"AWS moves an Elastic IP only when it was allocated more than 24 hours ago, and does not say when that "
        f"was: see that none of the {count} that move is younger. Tags given to them in the VPC are lost if the "
        "job is undone.",
    )
    yield Finding(
        "warning",
        "address_reverse_dns",
        subject,
        f"Where reverse DNS is set for one of the {count} Elastic IPs that move, AWS documents nothing about "
        "what becomes of it: look at it after the move.",
    )


def _quota(count: int, ctx: Context) -> Iterator[Finding]:
    """A move counts on the quota of Elastic IPs for VPCs: AddressLimitExceeded (aws-facts A3)."""
    region = ctx.inventory.get(Ref("region", ctx.inventory.region))
    limit = (region.facts["limits"] if region else {}).get("vpc-max-elastic-ips", VPC_ADDRESSES)
    present = sum(address.platform == "vpc" for address in ctx.inventory.of("elastic_ip"))
    if present + count > limit:
        yield Finding(
            "blocker",
            "too_many_addresses",
            f"region:{ctx.inventory.region}",
            f"{present} Elastic IPs are for VPCs already, {count} more would come, and the account may have {limit}: "
            "have AWS raise the quota, or release some.",
        )


def holder_of(address: Resource, ctx: Context) -> Resource | None:
    """The instance that has the address, where it moves."""
    ref = Ref("instance", address.facts["instance"])
    return ctx.inventory.get(ref) if address.facts["instance"] and ctx.moves(ref) else None

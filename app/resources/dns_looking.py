"""Which names of the account lead to an address at this moment."""

from app.execution.step import Run
from app.resources.dns_names import normal, values_in


async def names_leading_to(run: Run, address: str) -> list[str]:
    """Names of record sets, in whichever hosted zone, that answer with the DNS name `address`; in order.

    Asks for every record set of every zone: nothing in Route 53 finds a record set by what it leads to.
    """
    wanted = normal(address)
    zones = [
        zone["Id"].removeprefix("/hostedzone/")
        async for page in run.cloud.pages("route53.list_hosted_zones")
        for zone in page["HostedZones"]
    ]
    found: set[str] = set()
    for zone in zones:
        async for page in run.cloud.pages("route53.list_resource_record_sets", HostedZoneId=zone):
            records = page["ResourceRecordSets"]
            found |= {each["Name"].rstrip(".") for each in records if wanted in map(normal, values_in(each))}
    return sorted(found)

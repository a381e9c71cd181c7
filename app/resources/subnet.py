"""Subnets: where in the VPC things can go."""

from collections.abc import Mapping

from app.planning.inventory import Inventory, Json, Ref, Resource
from app.resources.kind import Kind, Survey, tags_of


class Subnets(Kind):
    name = "subnet"
    reads = frozenset({"ec2.describe_subnets"})

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: vpc, zone, cidr, public_by_default, tags, and free_addresses.

        `free_addresses` changes by itself: it tells whether the plan fits, and drift ignores it.
        """
        found = []
        for item in await survey.named("ec2.describe_subnets", "Subnets[]", "subnet-id"):
            facts = {
                "vpc": item["VpcId"],
                "zone": item["AvailabilityZone"],
                "cidr": item["CidrBlock"],
                "free_addresses": item["AvailableIpAddressCount"],
                "public_by_default": bool(item.get("MapPublicIpOnLaunch")),
                "tags": tags_of(item),
            }
            name = facts["tags"].get("Name") or item["SubnetId"]
            ref = Ref(self.name, item["SubnetId"])
            found.append(Resource(ref, name, "vpc", facts, frozenset({Ref("vpc", item["VpcId"])})))
        return found

    def steady(self, resource: Resource, inventory: Inventory) -> Mapping[str, Json]:
        return {name: fact for name, fact in resource.facts.items() if name != "free_addresses"}


KIND = Subnets()

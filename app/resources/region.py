"""The region itself: which platforms it has, what the account may have in it, and which types are on offer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.planning.inventory import Json, Platform, Ref, Resource
from app.resources.kind import Kind, Survey


class Regions(Kind):
    name = "region"
    reads = frozenset({"ec2.describe_account_attributes", "ec2.describe_instance_type_offerings"})
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ec2.describe_account_attributes": {"AttributeNames": ["supported-platforms"]},
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """One. Facts: platforms ("EC2" among them means EC2-Classic, aws-facts A0), limits (by AWS's attribute
        name), offerings (zone -> instance types, sorted). What could not be read is empty, with a gap."""
        name = survey.cloud.region
        answer = await survey.one(Ref(self.name, name), "ec2.describe_account_attributes")
        attributes = {
            item["AttributeName"]: [value["AttributeValue"] for value in item["AttributeValues"]]
            for item in (answer or {}).get("AccountAttributes", ())
        }
        platforms = sorted(attributes.get("supported-platforms", ()))
        limits = {key: int(values[0]) for key, values in attributes.items() if values and values[0].isdigit()}
        facts: dict[str, Json] = {
            "platforms": platforms,
            "limits": dict(sorted(limits.items())),
            "offerings": await _offerings(survey),
        }
        platform: Platform = "unknown" if not platforms else "classic" if "EC2" in platforms else "vpc"
        return [Resource(Ref(self.name, name), name, platform, facts)]


async def _offerings(survey: Survey) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in await survey.all(
        "ec2.describe_instance_type_offerings", "InstanceTypeOfferings[]", LocationType="availability-zone"
    ):
        found.setdefault(item["Location"], []).append(item["InstanceType"])
    return {zone: sorted(types) for zone, types in sorted(found.items())}


KIND = Regions()

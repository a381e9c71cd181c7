"""Asking AWS who we are in an account, which regions still have EC2-Classic, and what we may not read."""

import asyncio
from typing import Any

from app.accounts.models import Account
from app.accounts.ports import CloudFactory
from app.accounts.schemas import Verification, VerifiedRegion
from app.cloud import Cloud, CloudError, Denied, Throttled, UnknownOutcome
from app.errors import CloudRefused
from app.resources import all_kinds
from app.resources.permissions import Probe, probes_of

CALLS_AT_ONCE = 8
PLATFORMS = "ec2.describe_account_attributes"  # asked in earnest: the answer says what there is


async def verify(account: Account, clouds: CloudFactory) -> Verification:
    """What AWS says about our hold on the account; raises CloudRefused if it does not even let us in."""
    regions = [str(region) for region in account.regions]
    identity = await who_we_are(account, clouds.open(account, regions[0], account.id))
    who = identity["Account"]
    found = await asyncio.gather(
        *(verify_region(clouds.open(account, region, account.id), region, who) for region in regions)
    )
    return Verification(
        arn=identity["Arn"],
        aws_account_id=identity["Account"],
        expected_account=identity["Account"] == account.aws_account_id,
        regions=list(found),
        missing_permissions=sorted({action for region in found for action in region.missing_permissions}),
    )


async def who_we_are(account: Account, cloud: Cloud) -> dict[str, Any]:
    """STS's answer, which needs no permission beyond being let in."""
    try:
        return await cloud.call("sts.get_caller_identity")
    except CloudError as error:
        where = (
            f"Let {account.role_arn} be assumed by us, with sts:ExternalId {account.external_id}"
            if account.role_arn
            else "Give the service's process AWS credentials, or the account a role_arn"
        )
        raise CloudRefused(f"AWS did not let us in ({error.code}). {where}, and verify again.") from error


async def verify_region(cloud: Cloud, region: str, account: str) -> VerifiedRegion:
    """Try every read in one region: whatever discovering calls, and whatever steps look at."""
    missing: list[str] = []
    unverified: list[str] = []
    platforms: list[str] = []
    gate = asyncio.Semaphore(CALLS_AT_ONCE)

    async def attempt(probe: Probe) -> dict[str, Any]:
        try:
            async with gate:
                request = probe.request(region, account)
                if probe.operation == PLATFORMS:
                    request.pop("DryRun")
                return await cloud.call(probe.operation, **request)
        except Denied:
            missing.append(probe.action)
        except (Throttled, UnknownOutcome):
            unverified.append(probe.action)
        except CloudError:
            # DryRunPassed, or refused for another reason, after permission was checked: it is there.
            return {}
        return {}

    probes = probes_of(all_kinds())
    answers = await asyncio.gather(*(attempt(probe) for probe in probes))
    for probe, answer in zip(probes, answers, strict=True):
        attributes = answer.get("AccountAttributes", []) if probe.operation == PLATFORMS else []
        platforms += [value["AttributeValue"] for attribute in attributes for value in attribute["AttributeValues"]]
    return VerifiedRegion(
        region=region,
        platforms=sorted(platforms),
        # aws-facts A0: what was not answered is unknown, never "no Classic here".
        classic="EC2" in platforms if platforms else None,
        missing_permissions=sorted(missing),
        unverified_permissions=sorted(unverified),
    )

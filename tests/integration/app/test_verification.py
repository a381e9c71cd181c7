"""Verifying an account against a sandbox that speaks AWS's own protocol."""

from typing import Any

import boto3
import pytest

from app.accounts.models import Account
from app.accounts.verification import verify
from app.aws.boto_cloud import BotoCloud
from app.cloud import Cloud
from app.resources import all_kinds
from app.resources.permissions import Probe, probes_of
from sandbox.hook import connect
from sandbox.world import World


class SandboxClouds:
    """Opens every account as the sandbox's own."""

    def __init__(self, boto: boto3.Session) -> None:
        self.boto = boto

    def open(self, account: Account, region: str, name: str) -> Cloud:
        make: Any = self.boto.client
        return BotoCloud(region, lambda service: make(service, region_name=region), threads=None)


@pytest.fixture(scope="module")
def boto() -> boto3.Session:
    return connect(World())


async def test_a_sandbox_account_has_classic_and_lacks_nothing(boto: boto3.Session) -> None:
    account = Account(id="acct_1", aws_account_id="123456789012", external_id="e", regions=["us-east-1"])
    found = await verify(account, SandboxClouds(boto))
    assert found.expected_account
    (region,) = found.regions
    assert region.classic is True
    assert (region.missing_permissions, region.unverified_permissions) == ([], [])


@pytest.mark.parametrize("probe", probes_of(all_kinds()), ids=lambda probe: str(probe.action))
def test_every_probe_is_a_call_that_aws_knows_by_the_permission_it_is_for(boto: boto3.Session, probe: Probe) -> None:
    service, method = probe.operation.split(".")
    make: Any = boto.client
    client = make(service, region_name="us-east-1")
    operation = client.meta.method_to_api_mapping[method]
    assert probe.action.split(":")[1] == operation
    shape = client.meta.service_model.operation_model(operation).input_shape
    assert set(shape.required_members) <= set(probe.params) <= set(shape.members)

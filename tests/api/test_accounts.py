"""Accounts over HTTP."""

from uuid import UUID

import pytest

from app.accounts.models import Account
from app.cloud import Denied, Throttled
from app.db import Database, new_id
from app.inventories.models import Inventory
from app.jobs.models import Job
from app.manners.principals import Role
from app.plans.models import Plan
from tests.api.conftest import Client, ClientFor
from tests.api.fakes import FakeClouds

SHOP = {
    "name": "shop",
    "aws_account_id": "123456789012",
    "role_arn": "arn:aws:iam::123456789012:role/landbridge",
    "regions": ["us-east-1"],
}
IDENTITY = {
    "Account": "123456789012",
    "Arn": "arn:aws:sts::123456789012:assumed-role/landbridge/x",
    "UserId": "A:x",
}


def platforms(*names: str) -> dict[str, object]:
    values = [{"AttributeValue": name} for name in names]
    return {"AccountAttributes": [{"AttributeName": "supported-platforms", "AttributeValues": values}]}


async def test_a_registered_account_is_given_an_external_id_and_an_address(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json=SHOP)
    assert made.status_code == 201
    body = made.json()
    assert body | SHOP == body
    assert body["id"].startswith("acct_")
    assert body["external_id"]
    read = await admin.get(made.headers["Location"])
    assert read.json() == body
    assert read.headers["ETag"] == made.headers["ETag"]


async def test_what_is_absent_is_left_out_and_never_null(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json={k: v for k, v in SHOP.items() if k != "role_arn"})
    assert "role_arn" not in made.json()


async def test_a_second_account_of_the_same_name_is_refused(admin: Client) -> None:
    await admin.post("/v1/accounts", json=SHOP)
    second = await admin.post("/v1/accounts", json=SHOP)
    assert (second.status_code, second.json()["code"]) == (409, "name_taken")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"aws_account_id": "12"}, "/aws_account_id"),
        ({"regions": []}, "/regions"),
        ({"regions": ["moon"]}, "/regions/0"),
        ({"surprise": 1}, "/surprise"),
        ({"role_arn": "arn:aws:iam::999999999999:role/landbridge"}, ""),
    ],
)
async def test_a_bad_account_is_refused_with_a_pointer_to_what_is_wrong(
    admin: Client, change: dict[str, object], pointer: str
) -> None:
    answer = await admin.post("/v1/accounts", json=SHOP | change)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await admin.get("/v1/accounts")).json() == {"items": []}


async def test_accounts_are_listed_newest_first_page_by_page(admin: Client) -> None:
    for name in ("a", "b", "c"):
        await admin.post("/v1/accounts", json=SHOP | {"name": name})
    first = await admin.get("/v1/accounts?limit=2")
    assert [account["name"] for account in first.json()["items"]] == ["c", "b"]
    target = first.headers["Link"].split(">")[0].removeprefix("<")
    second = await admin.get(target)
    assert [account["name"] for account in second.json()["items"]] == ["a"]
    assert "next_cursor" not in second.json()
    assert "Link" not in second.headers


async def test_a_cursor_of_another_list_is_refused(admin: Client) -> None:
    for name in ("a", "b"):
        await admin.post("/v1/accounts", json=SHOP | {"name": name})
    cursor = (await admin.get("/v1/accounts?limit=1")).json()["next_cursor"]
    other = await admin.get("/v1/accounts", params={"cursor": cursor, "region": "us-east-1"})
    broken = await admin.get("/v1/accounts", params={"cursor": "x" + cursor})
    assert [(a.status_code, a.json()["code"]) for a in (other, broken)] == [(400, "invalid_cursor")] * 2


async def test_a_change_keeps_what_it_does_not_name(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json=SHOP)
    changed = await admin.patch(made.headers["Location"], json={"regions": ["eu-west-1", "eu-west-1"]})
    assert changed.json() | {"updated_at": ""} == made.json() | {"regions": ["eu-west-1"], "updated_at": ""}
    assert changed.headers["ETag"] != made.headers["ETag"]
    without_role = await admin.patch(made.headers["Location"], json={"role_arn": None})
    assert "role_arn" not in without_role.json()


async def test_a_change_to_a_version_that_is_no_longer_the_newest_is_refused(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json=SHOP)
    seen = {"If-Match": made.headers["ETag"]}
    assert (await admin.patch(made.headers["Location"], json={"name": "x"}, headers=seen)).status_code == 200
    late = await admin.patch(made.headers["Location"], json={"name": "y"}, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await admin.get(made.headers["Location"])).json()["name"] == "x"


async def test_a_reader_who_has_the_newest_version_is_told_so(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json=SHOP)
    again = await admin.get(made.headers["Location"], headers={"If-None-Match": made.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_account_can_be_deleted_once(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json=SHOP)
    assert (await admin.delete(made.headers["Location"])).status_code == 204
    assert (await admin.delete(made.headers["Location"])).status_code == 404


async def test_an_account_with_an_unfinished_job_is_not_deleted(admin: Client, database: Database) -> None:
    made = await admin.post("/v1/accounts", json=SHOP)
    job = await a_job(database, made.json()["id"], status="paused")
    refused = await admin.delete(made.headers["Location"])
    assert (refused.status_code, refused.json()["code"]) == (409, "account_busy")
    assert job in refused.json()["detail"]
    async with database.transaction() as session:
        (await session.get_one(Job, job)).status = "undone"
    assert (await admin.delete(made.headers["Location"])).status_code == 204
    async with database.reading() as session:
        assert await session.get(Account, made.json()["id"]) is None


async def test_only_an_administrator_keeps_accounts(client_for: ClientFor) -> None:
    operator = await client_for(Role.OPERATOR)
    refused = await operator.post("/v1/accounts", json=SHOP)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await operator.get("/v1/accounts")).status_code == 200


async def test_verifying_tells_who_we_are_and_which_regions_have_classic(admin: Client, clouds: FakeClouds) -> None:
    clouds.answers = {"sts.get_caller_identity": IDENTITY}
    clouds.in_region["us-east-1"] = {"ec2.describe_account_attributes": platforms("VPC", "EC2")}
    clouds.in_region["eu-west-1"] = {"ec2.describe_account_attributes": platforms("VPC")}
    made = await admin.post("/v1/accounts", json=SHOP | {"regions": ["us-east-1", "eu-west-1"]})
    answer = await admin.post(made.headers["Location"] + "/verify")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["arn"], body["expected_account"]) == (IDENTITY["Arn"], True)
    assert [(r["region"], r["classic"]) for r in body["regions"]] == [("us-east-1", True), ("eu-west-1", False)]
    assert body["missing_permissions"] == []


async def test_verifying_names_the_permissions_that_are_missing(admin: Client, clouds: FakeClouds) -> None:
    clouds.answers = {
        "sts.get_caller_identity": IDENTITY | {"Account": "999999999999"},
        "ec2.describe_account_attributes": Throttled("ec2.x", "RequestLimitExceeded", "slow"),
        "ec2.describe_addresses": Denied("ec2.x", "UnauthorizedOperation", "no"),
        "rds.describe_db_instances": Denied("rds.x", "AccessDenied", "no"),
    }
    made = await admin.post("/v1/accounts", json=SHOP)
    body = (await admin.post(made.headers["Location"] + "/verify")).json()
    assert body["expected_account"] is False
    assert body["missing_permissions"] == ["ec2:DescribeAddresses", "rds:DescribeDBInstances"]
    region = body["regions"][0]
    assert region["unverified_permissions"] == ["ec2:DescribeAccountAttributes"]
    assert "classic" not in region


async def test_an_account_that_does_not_let_us_in_is_said_with_what_to_do(admin: Client, clouds: FakeClouds) -> None:
    clouds.answers = {"sts.get_caller_identity": Denied("sts.assume_role", "AccessDenied", "secret words")}
    made = await admin.post("/v1/accounts", json=SHOP)
    answer = await admin.post(made.headers["Location"] + "/verify")
    assert (answer.status_code, answer.json()["code"]) == (502, "cloud_refused")
    assert made.json()["external_id"] in answer.json()["detail"]
    assert "secret words" not in answer.text


async def test_an_external_id_is_ours_to_make_and_never_a_callers(admin: Client) -> None:
    """Else somebody could name another customer's, and have us act in their account (the confused deputy)."""
    asked = await admin.post("/v1/accounts", json=SHOP | {"external_id": "another-customers"})
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/external_id")
    made = await admin.post("/v1/accounts", json=SHOP)
    path, external_id = made.headers["Location"], made.json()["external_id"]
    changed = await admin.patch(path, json={"external_id": "another-customers"})
    assert (changed.status_code, changed.json()["errors"][0]["pointer"]) == (422, "/external_id")

    other = {"role_arn": "arn:aws:iam::123456789012:role/other", "name": "other", "regions": ["eu-west-1"]}
    for body in (other, {"role_arn": None}, {"role_arn": SHOP["role_arn"]}, {}):
        assert (await admin.patch(path, json=body)).json()["external_id"] == external_id


async def test_no_two_accounts_have_the_same_external_id_and_none_can_be_guessed(admin: Client) -> None:
    found = set()
    for _ in range(5):
        made = await admin.post("/v1/accounts", json=SHOP)
        found.add(made.json()["external_id"])
        await admin.delete(made.headers["Location"])  # not even the same account registered anew
    assert len(found) == 5
    assert {UUID(one).version for one in found} == {4}  # 122 random bits


async def a_job(database: Database, account_id: str, status: str) -> str:
    """A job of the account, with the inventory and plan it needs."""
    common = {"account_id": account_id, "region": "us-east-1"}
    inventory = Inventory(id=new_id("inv"), **common)
    plan = Plan(
        id=new_id("plan"),
        inventory_id=inventory.id,
        name="p",
        strategy="incremental",
        target={},
        plan_hash="h",
        counts={},
        estimate={},
        author="a",
        **common,
    )
    job = Job(id=new_id("job"), plan_id=plan.id, action="execute", status=status, created_by="a", **common)
    async with database.transaction() as session:
        for row in (inventory, plan, job):
            session.add(row)
            await session.flush()
    return job.id

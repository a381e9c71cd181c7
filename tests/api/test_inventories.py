"""Inventories over HTTP; the rows are what a worker would have left."""

import asyncio

import pytest

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.fakes import FakeDoorbell
from tests.api.shop import FLOW, SHOP, an_account, an_inventory, execute, pointers, resource


async def test_asking_for_an_inventory_rings_for_a_worker(admin: Client, doorbell: FakeDoorbell) -> None:
    account_id = await an_account(admin)
    asked = await admin.post("/v1/inventories", json={"account_id": account_id, "region": "us-east-1"})
    assert asked.status_code == 202
    body = asked.json()
    assert (body["status"], body["done"], body["account_id"]) == ("pending", False, account_id)
    assert asked.headers["Location"] == body["links"]["self"] == f"/v1/inventories/{body['id']}"
    assert asked.headers["Retry-After"] == "2"
    assert doorbell.rung == [("inventory", body["id"])]
    assert (await admin.get(asked.headers["Location"])).json() == body


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"region": "eu-west-1"}, ("/region", "not_a_region_of_the_account")),
        ({"account_id": "acct_nobody"}, ("/account_id", "unknown_account")),
        ({"surprise": 1}, ("/surprise", "extra_forbidden")),
    ],
)
async def test_a_wrong_account_or_region_is_pointed_at_and_nothing_is_rung(
    admin: Client, doorbell: FakeDoorbell, change: dict[str, object], expected: tuple[str, str]
) -> None:
    body = {"account_id": await an_account(admin), "region": "us-east-1"}
    answer = await admin.post("/v1/inventories", json=body | change)
    assert answer.status_code == 422
    assert pointers(answer.json()) == [expected]
    assert doorbell.rung == []


async def test_a_repeated_request_makes_one_inventory_and_rings_once(admin: Client, doorbell: FakeDoorbell) -> None:
    body = {"account_id": await an_account(admin), "region": "us-east-1"}
    first, again = [await admin.post("/v1/inventories", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(doorbell.rung) == 1


async def test_a_finished_inventory_says_what_it_found_and_what_it_could_not_read(
    admin: Client, database: Database
) -> None:
    gap = {"kind": "instance", "code": "RequestLimitExceeded", "detail": "ec2.describe_instances failed"}
    inventory = await an_inventory(database, await an_account(admin), errors=[gap])
    answer = await admin.get(f"/v1/inventories/{inventory}")
    body = answer.json()
    assert (body["status"], body["done"]) == ("ready", True)
    assert body["errors"] == [gap]
    assert body["progress"]["resources"] == len(SHOP)
    assert "Retry-After" not in answer.headers
    again = await admin.get(f"/v1/inventories/{inventory}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


async def test_a_failed_inventory_says_why(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin), status="failed")
    why = '{"code": "aws_refused", "detail": "Allow the call."}'
    await execute(database, "update inventories set error = cast(:why as jsonb)", why=why)
    body = (await admin.get(f"/v1/inventories/{inventory}")).json()
    assert (body["done"], body["error"]) == (True, {"code": "aws_refused", "detail": "Allow the call."})


async def test_waiting_ends_when_the_inventory_is_ready(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin), status="running")
    waiting = asyncio.create_task(admin.get(f"/v1/inventories/{inventory}?wait=20"))
    await execute(database, "update inventories set status = 'ready', version = version + 1")
    async with asyncio.timeout(10):
        assert (await waiting).json()["status"] == "ready"


async def test_resources_are_listed_by_ref_page_by_page(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    found: list[str] = []
    target = f"/v1/inventories/{inventory}/resources?limit=3"
    while target:
        page = await admin.get(target)
        found += [item["ref"] for item in page.json()["items"]]
        target = page.headers.get("Link", "").split(">")[0].removeprefix("<")
    assert found == sorted(one["ref"] for one in SHOP)


@pytest.mark.parametrize(
    ("query", "refs"),
    [
        ({"kind": "security_group"}, ["security_group:sg-db", "security_group:sg-web"]),
        ({"platform": "classic", "q": "WEB"}, ["security_group:sg-web"]),
        ({"q": "%"}, []),
        ({"kind": "nothing"}, []),
    ],
)
async def test_resources_can_be_sought(
    admin: Client, database: Database, query: dict[str, str], refs: list[str]
) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    page = await admin.get(f"/v1/inventories/{inventory}/resources", params=query)
    assert [item["ref"] for item in page.json()["items"]] == refs


async def test_a_resource_is_shown_as_found_and_without_nulls(admin: Client, database: Database) -> None:
    odd = resource(
        "instance:i-1", "<b>web</b>", "unknown", {"key": None, "rules": [{"from_port": None, "x": 1}]}, ["a:b"]
    )
    inventory = await an_inventory(database, await an_account(admin), resources=[odd])
    [shown] = (await admin.get(f"/v1/inventories/{inventory}/resources")).json()["items"]
    assert shown == {
        "ref": "instance:i-1",
        "kind": "instance",
        "name": "<b>web</b>",
        "platform": "unknown",
        "facts": {"rules": [{"x": 1}]},
        "refers_to": ["a:b"],
    }


async def test_flows_are_listed_as_they_were_derived(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    [flow] = (await admin.get(f"/v1/inventories/{inventory}/flows")).json()["items"]
    assert flow == {key: FLOW[key] for key in flow}
    assert flow["sources"] == ["cidr:0.0.0.0/0"]


async def test_inventories_are_listed_newest_first_and_by_account(admin: Client, database: Database) -> None:
    one, two = await an_account(admin, "one"), await an_account(admin, "two")
    made = [await an_inventory(database, account, resources=[]) for account in (one, two)]
    assert [i["id"] for i in (await admin.get("/v1/inventories")).json()["items"]] == made[::-1]
    of_one = await admin.get("/v1/inventories", params={"account_id": one})
    assert [i["id"] for i in of_one.json()["items"]] == made[:1]


@pytest.mark.parametrize("reading", ["", "/resources", "/flows"])
async def test_an_inventory_that_is_not_there_is_not_found(admin: Client, reading: str) -> None:
    assert (await admin.get(f"/v1/inventories/inv_nobody{reading}")).json()["code"] == "not_found"


async def test_a_viewer_reads_inventories_and_a_planner_asks_for_them(client_for: ClientFor, admin: Client) -> None:
    body = {"account_id": await an_account(admin), "region": "us-east-1"}
    viewer, planner = await client_for(Role.VIEWER), await client_for(Role.PLANNER)
    assert (await viewer.post("/v1/inventories", json=body)).status_code == 403
    assert (await planner.post("/v1/inventories", json=body)).status_code == 202
    assert len((await viewer.get("/v1/inventories")).json()["items"]) == 1

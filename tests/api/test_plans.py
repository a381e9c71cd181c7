"""Plans over HTTP: made, made anew, let go."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from app.db import Database
from app.inventories.values import StoredInventories
from app.jobs.holds import JobHolds
from app.manners.principals import Role
from app.plans.service import Planner
from tests.api.conftest import Client, ClientFor
from tests.api.shop import (
    CROWDED,
    OTHER_VPC,
    SHOP,
    SUBNET_A,
    SUBNET_B,
    SUBNET_OTHER,
    VPC,
    WEB,
    a_plan,
    an_account,
    an_inventory,
    plan_body,
    pointers,
    subnet,
)

HERE = {"vpc_id": VPC, "subnets": {"us-east-1a": SUBNET_A}}


async def test_a_plan_is_a_draft_with_counts_and_an_estimate(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    made = await admin.post("/v1/plans", json=plan_body(inventory))
    assert made.status_code == 201
    body = made.json()
    assert body["status"] == "draft"
    assert body["counts"]["steps"] == 8
    assert body["counts"]["resources"] == 2
    assert set(body["counts"]["findings"]) == {"blocker", "warning", "note"}
    assert set(body["counts"]["flows"]) == {"kept", "interrupted", "already_broken"}
    assert set(body["estimate"]) == {"seconds", "outage_seconds", "aws_calls"}
    assert body["etag"] == made.headers["ETag"]
    assert body["settings"] == {"max_parallel_instances": 20, "gates": [], "on_failure": "halt", "soak_seconds": 0}
    assert (await admin.get(made.headers["Location"])).json() == body


async def test_how_many_members_may_be_out_at_once_is_a_setting(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    made = await admin.post("/v1/plans", json=plan_body(inventory, settings={"max_out_of_service": 2}))
    assert made.json()["settings"]["max_out_of_service"] == 2


async def test_the_same_request_makes_the_same_plan(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    one, two = [(await admin.post("/v1/plans", json=plan_body(inventory))).json() for _ in range(2)]
    assert one["id"] != two["id"]
    assert one["plan_hash"] == two["plan_hash"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inventory_id": "inv_nobody"}, ("/inventory_id", "unknown_inventory")),
        ({"strategy": "hope"}, ("/strategy", "literal_error")),
        ({"name": " "}, ("/name", "string_too_short")),
        ({"scope": {"refs": [WEB, "instance:i-none"]}}, ("/scope/refs/1", "cannot_be_moved")),
        ({"scope": {"refs": [f"vpc:{VPC}"]}}, ("/scope/refs/0", "cannot_be_moved")),
        ({"scope": {"refs": ["no ref"]}}, ("/scope/refs/0", "string_pattern_mismatch")),
        ({"scope": {}}, ("/scope", "value_error")),
        ({"target": {}}, ("/target", "value_error")),
        ({"target": HERE | {"create": {"cidr": "172.20.0.0/16"}}}, ("/target", "value_error")),
        ({"target": {"create": {"cidr": "172.20.0.1/16"}}}, ("/target/create/cidr", "value_error")),
        ({"target": {"create": {"cidr": "172.0.0.0/8"}}}, ("/target/create/cidr", "value_error")),
        ({"target": {"vpc_id": "vpc-none"}}, ("/target/vpc_id", "unknown_vpc")),
        ({"target": HERE | {"subnets": {"us-east-1a": SUBNET_OTHER}}}, ("/target/subnets/us-east-1a", "other_vpc")),
        ({"target": HERE | {"subnets": {"us-east-1a": SUBNET_B}}}, ("/target/subnets/us-east-1a", "other_zone")),
        ({"target": HERE | {"subnets": {"a/b": "subnet-none"}}}, ("/target/subnets/a~1b", "unknown_subnet")),
        ({"target": HERE | {"db_subnet_group": "none"}}, ("/target/db_subnet_group", "unknown_db_subnet_group")),
        ({"settings": {"gates": ["before:link", "before:lunch"]}}, ("/settings/gates/1", "value_error")),
        ({"settings": {"max_parallel_instances": 0}}, ("/settings/max_parallel_instances", "greater_than_equal")),
        ({"settings": {"max_out_of_service": 0}}, ("/settings/max_out_of_service", "greater_than_equal")),
        ({"overrides": {WEB: {"max_rules": "x"}}}, (f"/overrides/{WEB}/max_rules", "wrong_type")),
        ({"overrides": {"instance:i/none": {"method": "x"}}}, ("/overrides/instance:i~1none", "unknown_ref")),
    ],
)
async def test_what_cannot_be_planned_is_pointed_at_and_nothing_is_kept(
    admin: Client, database: Database, change: dict[str, Any], expected: tuple[str, str]
) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    answer = await admin.post("/v1/plans", json=plan_body(inventory, **change))
    assert answer.status_code == 422, answer.text
    assert pointers(answer.json()) == [expected]
    assert (await admin.get("/v1/plans")).json() == {"items": []}


@pytest.mark.parametrize("status", ["pending", "running", "failed"])
async def test_an_inventory_that_is_not_ready_is_not_planned_from(
    admin: Client, database: Database, status: str
) -> None:
    inventory = await an_inventory(database, await an_account(admin), status=status)
    answer = await admin.post("/v1/plans", json=plan_body(inventory))
    assert (answer.status_code, answer.json()["code"]) == (409, "inventory_not_ready")


async def test_an_inventory_that_is_too_large_is_refused(admin: Client, database: Database, app: FastAPI) -> None:
    app.state.planner = Planner(StoredInventories(), JobHolds(), len(SHOP) - 1)
    inventory = await an_inventory(database, await an_account(admin))
    answer = await admin.post("/v1/plans", json=plan_body(inventory))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_subnets_left_out_are_the_only_ones_of_their_zones(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database, target={"vpc_id": VPC})
    assert plan["target"]["subnets"] == {"us-east-1a": SUBNET_A, "us-east-1b": SUBNET_B}
    other = await a_plan(admin, database, account="other", target={"vpc_id": OTHER_VPC})
    assert other["target"]["subnets"] == {"us-east-1a": SUBNET_OTHER}


async def test_where_a_zone_has_several_subnets_the_choice_is_named(admin: Client, database: Database) -> None:
    second = subnet("subnet-0ddddddddddddddd0", "us-east-1a")
    inventory = await an_inventory(database, await an_account(admin), resources=[*SHOP, second])
    answer = await admin.post("/v1/plans", json=plan_body(inventory, target={"vpc_id": VPC}))
    assert pointers(answer.json()) == [("/target/subnets/us-east-1a", "several_subnets")]
    assert f"{SUBNET_A}, subnet-0ddddddddddddddd0" in answer.json()["detail"]


async def test_a_scope_moves_what_it_names_and_what_that_refers_to(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database, scope={"refs": ["security_group:sg-db"]})
    assert plan["counts"]["resources"] == 2  # its rule names sg-web
    assert plan["scope"] == {"refs": ["security_group:sg-db"]}
    alone = await a_plan(admin, database, account="other", scope={"tags": {"app": "none"}})
    assert alone["counts"]["resources"] == 0


async def test_a_vpc_to_be_made_is_a_target_too(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database, target={"create": {"cidr": "172.20.0.0/16"}})
    assert plan["target"] == {"create": {"cidr": "172.20.0.0/16"}}
    steps = (await admin.get(f"/v1/plans/{plan['id']}/steps")).json()["items"]
    assert steps[0]["id"] == "vpc.create/vpc:new"


async def test_a_change_plans_anew_and_voids_the_approval(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await a_plan(admin, database)
    here = plan["links"]["self"]
    approver = await client_for(Role.APPROVER)
    approved = await approver.post(f"{here}/approve", headers={"If-Match": plan["etag"]})
    assert approved.json()["status"] == "approved"
    changed = await admin.patch(
        here,
        json={"scope": {"refs": [WEB]}, "settings": {"gates": ["before:finalize"]}},
        headers={"If-Match": approved.headers["ETag"]},
    )
    assert changed.status_code == 200
    body = changed.json()
    assert body["status"] == "draft"
    assert {"approved_by", "approved_at", "approved_hash"} & body.keys() == set()
    assert body["plan_hash"] != plan["plan_hash"]
    assert body["counts"]["resources"] == 1
    assert body["settings"]["gates"] == ["before:finalize"]
    assert (body["name"], body["target"]) == (plan["name"], plan["target"])
    whole = await admin.patch(here, json={"scope": None}, headers={"If-Match": body["etag"]})
    assert "scope" not in whole.json()
    assert whole.json()["plan_hash"] == plan["plan_hash"]


async def test_who_changes_a_plan_is_its_author(admin: Client, client_for: ClientFor, database: Database) -> None:
    plan = await a_plan(admin, database)
    planner = await client_for(Role.PLANNER)
    changed = await planner.patch(plan["links"]["self"], json={"name": "x"}, headers={"If-Match": plan["etag"]})
    assert changed.json()["author"] != plan["author"]


async def test_a_plan_can_be_moved_to_a_fresh_inventory_of_the_same_place(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    fresh = await an_inventory(database, plan["account_id"], resources=[*SHOP, CROWDED])
    elsewhere = await an_inventory(database, await an_account(admin, "other"))
    seen = {"If-Match": plan["etag"]}
    refused = await admin.patch(plan["links"]["self"], json={"inventory_id": elsewhere}, headers=seen)
    assert pointers(refused.json()) == [("/inventory_id", "other_account_or_region")]
    changed = await admin.patch(plan["links"]["self"], json={"inventory_id": fresh}, headers=seen)
    assert (changed.json()["inventory_id"], changed.json()["counts"]["resources"]) == (fresh, 3)


@pytest.mark.parametrize(("headers", "status"), [({}, 428), ({"If-Match": '"stale"'}, 412)])
async def test_a_plan_is_changed_only_by_who_has_seen_it(
    admin: Client, database: Database, headers: dict[str, str], status: int
) -> None:
    plan = await a_plan(admin, database)
    here = plan["links"]["self"]
    assert (await admin.patch(here, json={"name": "x"}, headers=headers)).status_code == status
    assert (await admin.post(f"{here}/approve", headers=headers)).status_code == status
    assert (await admin.get(here)).json() == plan


async def test_of_two_changes_at_once_one_is_refused(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    seen = {"If-Match": plan["etag"]}
    answers = await asyncio.gather(
        *(admin.patch(plan["links"]["self"], json={"name": name}, headers=seen) for name in "ab")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_repeated_request_makes_one_plan(admin: Client, database: Database) -> None:
    inventory = await an_inventory(database, await an_account(admin))
    first, again = [
        await admin.post("/v1/plans", json=plan_body(inventory), headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert (again.status_code, again.content, again.headers["ETag"]) == (201, first.content, first.headers["ETag"])
    assert len((await admin.get("/v1/plans")).json()["items"]) == 1


async def test_plans_are_listed_newest_first_and_by_inventory(admin: Client, database: Database) -> None:
    one, two = await a_plan(admin, database), await a_plan(admin, database, account="other")
    assert [p["id"] for p in (await admin.get("/v1/plans")).json()["items"]] == [two["id"], one["id"]]
    first = (await admin.get("/v1/plans?limit=1")).json()
    rest = await admin.get("/v1/plans", params={"limit": 1, "cursor": first["next_cursor"]})
    assert [p["id"] for p in rest.json()["items"]] == [one["id"]]
    found = await admin.get("/v1/plans", params={"inventory_id": one["inventory_id"]})
    assert [p["id"] for p in found.json()["items"]] == [one["id"]]


async def test_a_plan_can_be_deleted_once(admin: Client, database: Database) -> None:
    here = (await a_plan(admin, database))["links"]["self"]
    assert (await admin.delete(here)).status_code == 204
    assert (await admin.delete(here)).status_code == 404


async def test_only_planners_make_change_and_delete_plans(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await a_plan(admin, database)
    operator = await client_for(Role.OPERATOR)
    here = plan["links"]["self"]
    body = plan_body(plan["inventory_id"])
    assert (await operator.post("/v1/plans", json=body)).status_code == 403
    assert (await operator.patch(here, json={}, headers={"If-Match": plan["etag"]})).status_code == 403
    assert (await operator.delete(here)).status_code == 403
    assert (await operator.get(here)).status_code == 200

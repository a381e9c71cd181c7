"""The IAM policies of a plan: who may ask for them, and what they are made from."""

from typing import Any

import pytest

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.shop import a_plan, execute


async def policy(client: Client, plan: dict[str, Any], **asked: str) -> dict[str, Any]:
    answer = await client.get(plan["links"]["iam_policy"], params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def actions(body: dict[str, Any], effect: str = "Allow") -> set[str]:
    statements = [each for one in body["policies"] for each in one["document"]["Statement"]]
    return {action for each in statements if each["Effect"] == effect for action in each.get("Action", ())}


@pytest.mark.parametrize("role", sorted(Role))
async def test_whoever_plans_approves_or_operates_may_ask_and_viewers_may_not(
    admin: Client, client_for: ClientFor, database: Database, role: Role
) -> None:
    plan = await a_plan(admin, database)
    answer = await (await client_for(role)).get(plan["links"]["iam_policy"])
    assert answer.status_code == (403 if role == Role.VIEWER else 200)


async def test_nobody_asks_without_a_token(admin: Client, anonymous: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    assert (await anonymous.get(plan["links"]["iam_policy"])).status_code == 401


async def test_the_policies_are_of_the_plan_as_it_is_and_of_its_account_and_region(
    admin: Client, database: Database
) -> None:
    plan = await a_plan(admin, database)
    body = await policy(admin, plan)
    assert (body["plan_id"], body["plan_hash"], body["role"]) == (plan["id"], plan["plan_hash"], "migrate")
    for one in body["policies"]:
        assert one["characters"] <= 6_144
        assert one["document"]["Version"] == "2012-10-17"
    assert "ec2:CreateSecurityGroup" in actions(body)
    assert "ec2:RunInstances" not in actions(body)  # no instance is in the plan
    assert not [each for each in actions(body) if each.startswith("rds:Mod")]
    assert "ec2:ModifySnapshotAttribute" in actions(body, "Deny")


async def test_each_role_has_its_own(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    found = {role: actions(await policy(admin, plan, role=role)) for role in ("discover", "migrate", "finalize")}
    assert {each.partition(":")[2][:3] for each in found["discover"]} <= {"Des", "Get", "Lis"}
    assert "ec2:CreateSecurityGroup" in found["migrate"] - found["finalize"]
    assert "ec2:RevokeSecurityGroupIngress" in found["finalize"]


async def test_other_roles_are_not_known(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    for asked in ({"role": "administrator"}, {"document": "all"}, {"principal": "*"}, {"principal": 'arn":"*'}):
        assert (await admin.get(plan["links"]["iam_policy"], params=asked)).status_code == 422


async def test_a_role_is_taken_on_with_the_accounts_external_id_alone(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    account = (await admin.get(f"/v1/accounts/{plan['account_id']}")).json()
    runs_as = "arn:aws:iam::210987654321:role/landbridge-service"
    body = await policy(admin, plan, document="trust", principal=runs_as)
    [[statement]] = [one["document"]["Statement"] for one in body["policies"]]
    assert statement["Principal"] == {"AWS": runs_as}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": account["external_id"]}}
    assert statement["Action"] == "sts:AssumeRole"


async def test_names_that_somebody_chose_with_care_do_not_widen_it(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    await execute(
        database,
        "update plan_documents set steps = replace(steps::text, 'sg-web', 'sg-*')::jsonb where plan_id = :id",
        id=plan["id"],
    )
    body = await policy(admin, plan, role="finalize")
    statements = [each for one in body["policies"] for each in one["document"]["Statement"]]
    named = {arn for each in statements for arn in each["Resource"] if "security-group/" in arn}
    assert [arn for arn in named if arn.endswith("security-group/sg-${*}")]
    assert not [arn for arn in named if arn.endswith("sg-*")]


async def test_there_is_none_of_a_plan_that_there_is_not(admin: Client) -> None:
    answer = await admin.get("/v1/plans/plan_01890a5d-ac96-774b-bcce-b302099a8057/iam-policy")
    assert answer.status_code == 404

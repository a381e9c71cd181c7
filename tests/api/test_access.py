"""Who gets in where: every operation of the API, tried with every token that is no good and every role too weak."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, text, update

from app.db import Base, Database
from app.manners.principals import EVERYONE, Role
from app.manners.spec import OPEN_PATHS
from app.tokens import service
from app.tokens.models import Token
from app.tokens.schemas import TokenCreate
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import CREATE_DB, a_job, an_approved_plan
from tests.api.shop import ACCOUNT, plan_body

PLANNERS = {Role.PLANNER}
APPROVERS = {Role.APPROVER}
OPERATORS = {Role.OPERATOR}
ADMINS: set[Role] = set()

# By operation: who may, besides an administrator. What is not named here fails the tests: say who may.
MAY: Mapping[str, set[Role] | frozenset[Role]] = {
    "create_account": ADMINS,
    "list_accounts": EVERYONE,
    "get_account": EVERYONE,
    "update_account": ADMINS,
    "delete_account": ADMINS,
    "verify_account": {Role.PLANNER, Role.OPERATOR},
    "create_inventory": PLANNERS,
    "list_inventories": EVERYONE,
    "get_inventory": EVERYONE,
    "list_inventory_resources": EVERYONE,
    "list_inventory_flows": EVERYONE,
    "create_plan": PLANNERS,
    "list_plans": EVERYONE,
    "get_plan": EVERYONE,
    "update_plan": PLANNERS,
    "delete_plan": PLANNERS,
    "approve_plan": APPROVERS,
    "list_plan_steps": EVERYONE,
    "list_plan_findings": EVERYONE,
    "list_plan_irreversible": EVERYONE,
    "list_plan_flows": EVERYONE,
    "get_plan_graph": EVERYONE,
    "get_plan_runbook": EVERYONE,
    "get_plan_iam_policy": {Role.PLANNER, Role.APPROVER, Role.OPERATOR},
    "create_job": OPERATORS,
    "list_jobs": EVERYONE,
    "get_job": EVERYONE,
    "list_job_steps": EVERYONE,
    "get_job_report": EVERYONE,
    "get_job_events": EVERYONE,
    "pause_job": OPERATORS,
    "resume_job": OPERATORS,
    "cancel_job": OPERATORS,
    "undo_job": OPERATORS,
    "preview_job_undo": EVERYONE,
    "approve_job_gate": APPROVERS,
    "retry_job_step": OPERATORS,
    "skip_job_step": OPERATORS,
    "accept_drift_of_job_step": APPROVERS,
    "tell_outages": OPERATORS,
    "list_audit": APPROVERS,
    "verify_audit": APPROVERS,
    "create_token": ADMINS,
    "list_tokens": ADMINS,
    "revoke_token": ADMINS,
}
# Told to anybody: what load balancers and client generators ask for, and nothing of anybody's account.
UNDOCUMENTED = {"/openapi.json"}


@dataclass(frozen=True)
class Operation:
    """One operation of the API, on things that are there; a caller with the right to it would change something."""

    id: str
    method: str
    path: str
    body: Any

    async def ask(self, client: Client, headers: Mapping[str, str], query: str = "") -> Any:
        sent = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
        return await client.request(self.method, self.path + query, json=self.body, headers=sent)


def operations(app: FastAPI, things: Mapping[str, str]) -> Iterator[Operation]:
    """Those that need a token, as the API's own document has them."""
    bodies = {
        "create_account": ACCOUNT | {"name": "mine"},
        "update_account": {"name": "mine"},
        "create_inventory": {"account_id": things["account_id"], "region": "us-east-1"},
        "create_plan": plan_body(things["inventory_id"]),
        "update_plan": {"name": "mine"},
        "create_job": {"plan_id": things["plan_id"], "action": "dry_run"},
        "create_token": {"name": "mine", "role": "admin"},
    }
    for template, item in app.openapi()["paths"].items():
        if template not in OPEN_PATHS:
            for method, about in item.items():
                id_ = about["operationId"]
                yield Operation(id_, method.upper(), template.format_map(things), bodies.get(id_))


@pytest.fixture
async def things(admin: Client, client_for: ClientFor, database: Database) -> dict[str, str]:
    """An account, an inventory of it, an approved plan, its job with its next step, and a token."""
    plan = await an_approved_plan(admin, client_for, database, settings={"gates": ["before:instances"]})
    job = await a_job(admin, plan)
    token = (await admin.get("/v1/tokens")).json()["items"][0]
    return {
        "account_id": plan["account_id"],
        "inventory_id": plan["inventory_id"],
        "plan_id": plan["id"],
        "job_id": job["id"],
        "gate": "before:instances",
        "step_id": CREATE_DB,
        "token_id": token["id"],
    }


async def stored(database: Database) -> dict[str, list[str]]:
    """All that the database holds, but for when tokens were used."""
    async with database.reading() as session:
        return {
            table.name: sorted(
                (await session.scalars(text(f"select (to_jsonb(t) - 'last_used_at')::text from {table.name} t"))).all()  # noqa: S608
            )
            for table in Base.metadata.sorted_tables
        }


async def a_secret(database: Database, name: str, role: Role = Role.ADMIN, **columns: Any) -> str:
    async with database.transaction() as session:
        token, secret = await service.issue(session, TokenCreate(name=name, role=role), "tests")
        if columns:
            await session.execute(update(Token).where(Token.id == token.id).values(**columns))
    return secret


def unsigned(claims: Mapping[str, Any]) -> str:
    """A JWT that nobody signed."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


async def attempts(database: Database) -> list[tuple[str, dict[str, str], str]]:
    """What somebody without a token tries, with a name for it, and a query."""
    good = await a_secret(database, "good")
    expired = await a_secret(database, "expired", expires_at=func.now() - timedelta(seconds=1))
    revoked = await a_secret(database, "revoked", revoked_at=func.now())
    digest = hashlib.sha256(good.encode())
    bearers = {
        "expired": expired,
        "revoked": revoked,
        "unknown": "lb_" + secrets.token_urlsafe(32),
        "the beginning of a good one": good[:-1],
        "a good one and more": good + "A",
        "a good one in capitals": "LB_" + good[3:],
        "the shown prefix": good[:8],
        "the stored hash": "lb_" + digest.hexdigest(),
        "the stored hash in base64": "lb_" + base64.urlsafe_b64encode(digest.digest()).decode(),
        "only the beginning": "lb_",
        "a pattern": "lb_%",
        "a statement": "lb_' or true --",
        "letters beyond ASCII": "lb_\xe9\xff",
        "a JWT nobody signed": unsigned({"sub": "x", "landbridge_role": "admin", "exp": 9_999_999_999}),
    }
    tried = [(name, {"Authorization": f"Bearer {bearer}"}, "") for name, bearer in bearers.items()]
    credentials = base64.b64encode(f"admin:{good}".encode()).decode()
    return [
        *tried,
        ("nothing", {}, ""),
        ("no token", {"Authorization": "Bearer"}, ""),
        ("another scheme", {"Authorization": f"Basic {credentials}"}, ""),
        ("a bare token", {"Authorization": good}, ""),
        ("a cookie", {"Cookie": f"token={good}; access_token={good}"}, ""),
        ("the query", {}, f"?token={good}&access_token={good}&bearer={good}"),
        ("a proxy's word", {"X-Forwarded-User": "admin", "X-Remote-User": "admin", "X-Api-Key": good}, ""),
    ]


def test_every_operation_says_who_may(app: FastAPI) -> None:
    there = {about["operationId"] for path, item in app.openapi()["paths"].items() for about in item.values()}
    open_ = {item["get"]["operationId"] for path, item in app.openapi()["paths"].items() if path in OPEN_PATHS}
    assert there - open_ == set(MAY)
    hidden = {getattr(route, "path", "") for route in app.routes} - set(app.openapi()["paths"])
    assert {path for path in hidden if path} <= UNDOCUMENTED


async def test_without_a_good_token_no_operation_opens_and_nothing_changes(
    app: FastAPI, anonymous: Client, database: Database, things: dict[str, str]
) -> None:
    tried = await attempts(database)
    before = await stored(database)
    opened = []
    for number, operation in enumerate(operations(app, things)):
        # Every way in on some operations, and on every operation some: they all pass one door.
        for name, headers, query in tried if number % 8 == 0 else tried[number % 3 :: 3]:
            answer = await operation.ask(anonymous, headers, query)
            problem = answer.json()
            if (answer.status_code, problem["code"]) != (401, "unauthorized"):
                opened.append(f"{operation.id} with {name}: {answer.status_code}")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert opened == []
    assert await stored(database) == before


async def test_a_role_that_is_too_weak_opens_nothing_and_changes_nothing(
    app: FastAPI, client_for: ClientFor, database: Database, things: dict[str, str]
) -> None:
    clients = {role: await client_for(role) for role in Role if role is not Role.ADMIN}
    before = await stored(database)
    opened = []
    for operation in operations(app, things):
        for role in clients.keys() - MAY[operation.id]:
            answer = await operation.ask(clients[role], {"If-Match": "*", "Idempotency-Key": "mine"})
            if (answer.status_code, answer.json()["code"]) != (403, "forbidden"):
                opened.append(f"{operation.id} as {role}: {answer.status_code}")
    assert opened == []
    assert await stored(database) == before


async def test_a_role_that_may_is_let_in(app: FastAPI, client_for: ClientFor, things: dict[str, str]) -> None:
    """Else the table above, and the tests by it, would say nothing."""
    clients = {role: await client_for(role) for role in Role}
    nothing = dict.fromkeys(things, "nobody") | {"gate": "before:instances"}
    shut = []
    for operation in operations(app, {**nothing, "inventory_id": "inv_x", "account_id": "acct_x"}):
        everyone = MAY[operation.id] == EVERYONE  # then the weakest tells of all
        for role in {Role.VIEWER} if everyone else {*MAY[operation.id], Role.ADMIN}:
            body: dict[str, Any] | None = {} if operation.body else None
            answer = await clients[role].request(operation.method, operation.path, json=body)
            if answer.status_code in (401, 403) or answer.status_code >= 500:
                shut.append(f"{operation.id} as {role}: {answer.status_code}")
    assert shut == []


async def test_a_body_that_cannot_be_read_is_no_way_around_the_door(anonymous: Client) -> None:
    for body in (b"{", b"\xff\xfe", b'{"name": NaN}', b"[" * 5_000):
        for headers in ({}, {"Authorization": "Bearer lb_nobody"}):
            sent = {"content-type": "application/json", **headers}
            answer = await anonymous.post("/v1/accounts", content=body, headers=sent)
            assert answer.status_code == 401, answer.text


async def test_no_spelling_of_a_path_and_no_other_method_leads_around_the_door(anonymous: Client) -> None:
    accounts = "/v1/accounts"
    for path in ("/V1/accounts", "/v1//accounts", "/v1/accounts/", "//v1/accounts", "/v1/tokens/%2e%2e/accounts"):
        assert (await anonymous.get(path)).status_code in (401, 404), path
    for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "CONNECT", "get", "PROPFIND"):
        assert (await anonymous.request(method, accounts)).status_code in (401, 404, 405), method


async def test_a_method_cannot_be_overridden(client_for: ClientFor, things: dict[str, str]) -> None:
    viewer = await client_for(Role.VIEWER)
    path = f"/v1/accounts/{things['account_id']}"
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}):
        await viewer.get(f"{path}?_method=DELETE", headers=headers)
    assert (await viewer.get(path)).status_code == 200


async def test_a_token_is_stored_as_its_hash_alone(database: Database) -> None:
    secret = await a_secret(database, "somebody")
    rows = (await stored(database))["tokens"]
    assert len(secret) >= len("lb_") + 43  # 32 random bytes
    assert all(secret not in row and secret[8:] not in row for row in rows)
    assert sum(hashlib.sha256(secret.encode()).hexdigest() in row for row in rows) == 1


async def test_no_token_is_told_in_the_logs(
    app: FastAPI, anonymous: Client, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = await a_secret(database, "good"), "lb_" + secrets.token_urlsafe(32)
    for secret in (good, bad):
        bearer = {"Authorization": f"Bearer {secret}"}
        await anonymous.get("/v1/accounts", headers=bearer)
        await anonymous.get(f"/v1/accounts?token={secret}", headers=bearer)
        await anonymous.post("/v1/tokens", headers=bearer, json={"name": "bot", "role": "viewer"})
        await anonymous.post("/v1/accounts", headers=bearer, content=b"{")
        await anonymous.get("/v1/plans/nobody", headers=bearer)
    said = capsys.readouterr()
    assert said.out.count("request.answered") == 10
    assert good not in said.out + said.err
    assert bad not in said.out + said.err
    assert hashlib.sha256(good.encode()).hexdigest() not in said.out + said.err

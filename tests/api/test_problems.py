"""Every error is a problem document that says what to do next."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from app.manners.problems import MEDIA_TYPE
from tests.api.conftest import Client


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("GET", "/v1/accounts/acct_nobody", 404, "not_found"),
        ("GET", "/v1/accounts/", 404, "not_found"),
        ("PUT", "/v1/accounts", 405, "method_not_allowed"),
        ("POST", "/v1/accounts", 422, "invalid_request"),
        ("GET", "/v1/accounts?limit=0", 422, "invalid_request"),
    ],
)
async def test_an_error_is_a_problem_document(admin: Client, method: str, path: str, status: int, code: str) -> None:
    answer = await admin.request(method, path, headers={"X-Request-Id": "mine-1"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["instance"] == path.split("?", maxsplit=1)[0]
    assert problem["request_id"] == answer.headers["X-Request-Id"] == "mine-1"
    assert problem["detail"]


async def test_a_refused_method_names_those_that_work(admin: Client) -> None:
    answer = await admin.put("/v1/accounts")
    assert answer.headers["Allow"] == "GET, POST"
    assert (await admin.put("/v1/accounts/acct_x")).headers["Allow"] == "DELETE, GET, PATCH"


async def test_a_parameter_is_pointed_at_by_its_place_and_name(admin: Client) -> None:
    answer = await admin.get("/v1/accounts?limit=0")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["query/limit"]


async def test_broken_json_is_a_problem_and_not_repeated(admin: Client) -> None:
    answer = await admin.post("/v1/accounts", content=b'{"name": "secret', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "secret" not in answer.text


async def test_a_character_that_cannot_be_stored_is_refused(admin: Client) -> None:
    body = {"name": "a\0b", "aws_account_id": "123456789012", "regions": ["us-east-1"]}
    answer = await admin.post("/v1/accounts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await admin.get("/v1/accounts/%00")).status_code in {404, 422}


async def test_an_announced_body_over_the_limit_is_refused(admin: Client) -> None:
    answer = await admin.post("/v1/accounts", json={"name": "x" * 30_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "20000" in answer.json()["detail"]


async def test_a_streamed_body_over_the_limit_is_refused_too(admin: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 1_000

    answer = await admin.post("/v1/accounts", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_fault_of_ours_tells_its_request_id_and_nothing_else(app: FastAPI, anonymous: Client) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret words")

    answer = await anonymous.get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE)
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "secret words" not in answer.text


async def test_a_request_id_that_could_break_out_of_a_log_line_is_replaced(anonymous: Client) -> None:
    answer = await anonymous.get("/livez", headers={"X-Request-Id": "a b{}"})
    assert answer.headers["X-Request-Id"].startswith("req_")

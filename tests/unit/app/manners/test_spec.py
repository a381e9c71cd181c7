"""The OpenAPI document is one that client generators can use."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from app.main import create_app
from app.manners.spec import answered_schemas, operations, references
from app.settings import Settings

COMMITTED = Path(__file__).parents[4] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def all_nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from all_nodes(inner)


def test_the_document_is_valid_openapi(spec: dict[str, Any]) -> None:
    validate(spec)


def test_the_committed_document_is_what_the_code_says(spec: dict[str, Any]) -> None:
    """If this fails: run `make openapi`, look at the difference, and commit it."""
    assert json.loads(COMMITTED.read_text()) == spec


def test_every_operation_has_one_tag_a_description_and_an_id_of_its_own(spec: dict[str, Any]) -> None:
    found = [operation for _, operation in operations(spec)]
    assert [n for n, count in Counter(o["operationId"] for o in found).items() if count > 1] == []
    assert [o["operationId"] for o in found if len(o["tags"]) != 1 or not o.get("description")] == []
    assert {o["tags"][0] for o in found} <= {tag["name"] for tag in spec["tags"]}


def test_every_error_is_documented_as_a_problem(spec: dict[str, Any]) -> None:
    for path, operation in operations(spec):
        errors = {s: r for s, r in operation["responses"].items() if s[0] not in "123"}
        for answer in errors.values():
            assert list(answer["content"]) == ["application/problem+json"], path
        assert "default" in errors, path
    assert "HTTPValidationError" not in json.dumps(spec)


def test_every_operation_but_health_wants_a_token(spec: dict[str, Any]) -> None:
    free = {path for path, operation in operations(spec) if operation.get("security") == []}
    assert free == {"/livez", "/readyz", "/metrics", "/version"}
    assert spec["security"] == [{"bearer": []}]


def test_every_post_takes_an_idempotency_key(spec: dict[str, Any]) -> None:
    for path, item in spec["paths"].items():
        if "post" in item:
            names = {parameter["name"] for parameter in item["post"].get("parameters", [])}
            assert "Idempotency-Key" in names, path


def test_answers_hold_no_nulls_and_no_closed_lists(spec: dict[str, Any]) -> None:
    for name in answered_schemas(spec):
        for node in all_nodes(spec["components"]["schemas"][name]):
            assert node.get("type") != "null", name
            assert "enum" not in node, name


def test_every_schema_referred_to_is_there(spec: dict[str, Any]) -> None:
    assert set(references(spec)) - {"bearer"} <= set(spec["components"]["schemas"])

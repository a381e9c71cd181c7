"""The OpenAPI document, mended so that generated clients work: see each function for the trap it mends."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.manners.problems import MEDIA_TYPE, Problem

Spec = dict[str, Any]

PROBLEM = {
    "description": "A problem document: what went wrong and what to do next",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
OPEN_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/version"})


def operation_id(route: APIRoute) -> str:
    """The function's name: generated clients name their methods after it."""
    return route.name


def render(app: FastAPI) -> Spec:
    """The document of `app`, the same for the same code."""
    spec = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(problem_schemas())
    for path, operation in operations(spec):
        mend_responses(operation)
        if path in OPEN_PATHS:
            operation["security"] = []
    for name in answered_schemas(spec):
        drop_nulls(schemas[name])
    spec["security"] = [{"bearer": []}]
    return spec


def operations(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Each operation with its path."""
    for path, item in spec["paths"].items():
        for operation in item.values():
            yield path, operation


def problem_schemas() -> Spec:
    """The schemas of a problem document, which no route names as its model."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    inner: Spec = schema.pop("$defs")
    for made in (schema, *inner.values()):
        drop_nulls(made)
    return {"Problem": schema, **inner}


def mend_responses(operation: Spec) -> None:
    """FastAPI documents 422 as HTTPValidationError whatever the handler does; ours are problems, all of them."""
    responses = operation["responses"]
    for status in [status for status in responses if status.startswith(("4", "5"))]:
        del responses[status]
    responses["default"] = PROBLEM


def answered_schemas(spec: Spec) -> set[str]:
    """The names of all component schemas that answers are made of."""
    schemas = spec["components"]["schemas"]
    found: set[str] = set()
    waiting = [name for _, operation in operations(spec) for name in references(operation["responses"])]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(references(schemas[name]))
    return found


def references(node: Any) -> Iterator[str]:
    """The schema names that `node` refers to, at any depth."""
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref.rsplit("/", 1)[1]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def drop_nulls(schema: Spec) -> None:
    """Answers leave out what is absent, so no property of theirs is `T or null`: clients choke on those."""
    for name, described in schema.get("properties", {}).items():
        options = described.get("anyOf")
        if not options or {"type": "null"} not in options:
            continue
        rest = [option for option in options if option != {"type": "null"}]
        kept = {key: value for key, value in described.items() if key not in {"anyOf", "default"}}
        merged = {**rest[0], **kept} if len(rest) == 1 else {**kept, "anyOf": rest}
        schema["properties"][name] = merged

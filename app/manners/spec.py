"""The OpenAPI document, mended so that generated clients work: see each function for the trap it mends."""

from collections.abc import Iterator
from functools import cache
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
        mend_parameters(operation)
        if path in OPEN_PATHS:
            operation["security"] = []
    for name in answered_schemas(spec):
        drop_nulls(schemas[name])
    spec["security"] = [{"bearer": []}]
    return spec


def install(app: FastAPI) -> None:
    """Have `app` give the mended document, made once."""

    @cache
    def document() -> Spec:
        return render(app)

    app.openapi = document  # type: ignore[method-assign]


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


def mend_parameters(operation: Spec) -> None:
    """A parameter is there or not; "null" is no value a query or header could have."""
    for parameter in operation.get("parameters", []):
        parameter["schema"] = without_null(parameter["schema"])


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
    properties = schema.get("properties", {})
    for name, described in properties.items():
        properties[name] = without_null(described)


def without_null(schema: Spec) -> Spec:
    """`T or null` as T."""
    null = {"type": "null"}
    options = schema.get("anyOf", [])
    if null not in options:
        return schema
    rest = [option for option in options if option != null]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**rest[0], **kept} if len(rest) == 1 else {**kept, "anyOf": rest}

"""Absent rather than null, also inside the JSON that we only pass on."""

from collections.abc import Mapping

from app.db import Json


def without_nulls(value: Json) -> Json:
    """`value` without the members of objects that are null; a null in a list keeps its place."""
    if isinstance(value, Mapping):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value

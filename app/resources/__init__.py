"""The kinds of AWS resources Landbridge knows: one file each, found by walking this folder."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from app.resources.kind import Kind


@cache
def all_kinds() -> Mapping[str, Kind]:
    """Every kind by name. A module of this folder that holds `KIND` is a kind; nothing is registered by hand."""
    found: dict[str, Kind] = {}
    for info in pkgutil.iter_modules(__path__, __name__ + "."):
        kind = getattr(importlib.import_module(info.name), "KIND", None)
        if kind is not None:
            found[kind.name] = kind
    return found

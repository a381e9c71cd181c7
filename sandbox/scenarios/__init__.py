"""Accounts to begin with, each a module with DESCRIPTION and build(); found by walking this folder.

A module whose name begins with an underscore is part of another one.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import boto3

from sandbox.world import World

Build = Callable[[boto3.Session, World], None]


@dataclass(frozen=True)
class Scenario:
    """`build` makes everything by AWS calls on a session connected to the world, and steps the
    world's clock where AWS would make one wait.
    """

    name: str
    description: str
    build: Build


def scenarios() -> dict[str, Scenario]:
    """Every scenario by its name."""
    found = {}
    for name in (info.name for info in pkgutil.iter_modules(__path__)):
        if not name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{name}")
            found[name] = Scenario(name, module.DESCRIPTION, module.build)
    return found

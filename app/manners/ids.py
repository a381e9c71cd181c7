"""Ids in paths and bodies."""

from typing import Annotated

from fastapi import Path
from pydantic import StringConstraints

# No pattern: an id that was never one of ours is not found, like any other that isn't there.
PathId = Annotated[str, Path(description="an id as we gave it")]
BodyId = Annotated[str, StringConstraints(min_length=1, max_length=64)]

"""Ids in paths and bodies."""

from typing import Annotated

from fastapi import Path
from pydantic import StringConstraints

ID_PATTERN = r"^[a-z]+_[0-9a-f]{32}$"

PathId = Annotated[str, Path(max_length=64, pattern=ID_PATTERN, description="an id as we gave it")]
BodyId = Annotated[str, StringConstraints(max_length=64, pattern=ID_PATTERN)]

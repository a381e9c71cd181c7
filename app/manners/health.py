"""What load balancers and monitors ask: /livez, /readyz, /metrics, /version."""

from functools import cache
from importlib.metadata import version as installed_version

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import migrations
from app.db import Database
from app.errors import FieldError, Unavailable
from app.manners.doorbell import Doorbell
from app.manners.metrics import Metrics

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Alive or ready."""

    status: str


class Version(BaseModel):
    """Which code answers."""

    version: str
    revision: str


class MetricsResponse(PlainTextResponse):
    """Prometheus's text format."""

    media_type = CONTENT_TYPE_LATEST


@router.get("/livez")
async def livez() -> Health:
    """Whether this process answers; depends on nothing else."""
    return Health(status="alive")


@router.get("/readyz")
async def readyz(request: Request) -> Health:
    """Whether requests can be served: the database answers, is migrated, and workers can be called."""
    database: Database = request.app.state.database
    doorbell: Doorbell = request.app.state.doorbell
    missing = await what_the_database_lacks(database)
    if not await doorbell.ping():
        missing.append(FieldError("queue", "unreachable", "Start Redis, or mend LANDBRIDGE_REDIS_URL."))
    if missing:
        raise Unavailable("Not ready: see errors.", errors=missing, headers={"Retry-After": "5"})
    return Health(status="ready")


@router.get("/metrics", response_class=MetricsResponse)
async def metrics(request: Request) -> MetricsResponse:
    """Measurements in Prometheus's text format."""
    measured: Metrics = request.app.state.metrics
    return MetricsResponse(generate_latest(measured.registry))


@router.get("/version")
async def version() -> Version:
    """Which version of Landbridge this is, and the database revision it works with."""
    return Version(version=installed_version("landbridge"), revision=expected_revision())


@cache
def expected_revision() -> str:
    """The newest revision this code knows."""
    return migrations.head()


async def what_the_database_lacks(database: Database) -> list[FieldError]:
    """Empty if the database answers and is at our revision."""
    try:
        async with database.reading() as session:
            table = await session.scalar(text("select to_regclass('alembic_version')::text"))
            found = await session.scalar(text("select version_num from alembic_version")) if table else None
    except (SQLAlchemyError, OSError):
        return [FieldError("database", "unreachable", "Start Postgres, or mend LANDBRIDGE_DATABASE_URL.")]
    if found != expected_revision():
        detail = f"The database is at revision {found}; run `landbridge db upgrade`."
        return [FieldError("migrations", "behind", detail)]
    return []

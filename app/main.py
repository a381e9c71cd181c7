"""The API's composition root: the one place that knows every part and joins them."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from app.accounts.endpoints import router as accounts
from app.accounts.ports import CloudFactory
from app.audit import requests
from app.audit.endpoints import router as audit
from app.aws.sessions import Sessions
from app.db import Database
from app.inventories.endpoints import router as inventories
from app.inventories.values import StoredInventories
from app.jobs.control_endpoints import router as job_control
from app.jobs.endpoints import router as jobs
from app.jobs.event_endpoints import router as job_events
from app.jobs.holds import JobHolds
from app.jobs.outage_endpoints import router as job_outages
from app.jobs.undo_endpoints import router as job_undo
from app.manners import health, logs, problems, spec
from app.manners.doorbell import ArqDoorbell, Doorbell, PostgresDoorbell
from app.manners.metrics import Metrics
from app.manners.middleware import BodyLimit, Surroundings
from app.manners.rates import Rates
from app.plans.endpoints import router as plans
from app.plans.iam.endpoints import router as plan_iam
from app.plans.readings import router as plan_readings
from app.plans.service import Planner
from app.settings import Settings, get_settings
from app.tokens.authentication import BearerAuthenticator
from app.tokens.endpoints import router as tokens
from app.tokens.oidc import OidcIssuer

ROUTERS = (
    accounts,
    inventories,
    plans,
    plan_readings,
    plan_iam,
    jobs,
    job_control,
    job_undo,
    job_events,
    job_outages,
    audit,
    tokens,
    health.router,
)

TAGS = [
    {"name": "accounts", "description": "AWS accounts we hold a role in"},
    {"name": "inventories", "description": "What an account and region held when we looked"},
    {"name": "plans", "description": "What a move would do, step by step, and who approved it"},
    {"name": "jobs", "description": "Runs of a plan: how far they are, and what people ask of them"},
    {"name": "audit", "description": "Who asked, what was called, and what came back: append-only, chained by hashes"},
    {"name": "tokens", "description": "Who may call this API, and as what"},
    {"name": "health", "description": "For load balancers and monitors"},
]

# After start nearly everything lives for ever: keeping the collector off it cuts p99 by more than half.
GC_THRESHOLDS = (50_000, 20, 100)


def create_app(
    settings: Settings | None = None, doorbell: Doorbell | None = None, clouds: CloudFactory | None = None
) -> FastAPI:
    """The application. Connects to nothing until the first request; what is not given is made as settings say."""
    settings = settings or get_settings()
    logs.configure(settings.log_level)
    app = FastAPI(
        title="Landbridge",
        summary="Plans and carries out the move of AWS workloads from EC2-Classic into a VPC",
        version=version("landbridge"),
        openapi_tags=TAGS,
        generate_unique_id_function=spec.operation_id,
        lifespan=lifespan,
        redirect_slashes=False,
        # The framework's pages load scripts from other people's servers; offline they are blank.
        docs_url=None,
        redoc_url=None,
    )
    database = Database(settings.database_url.get_secret_value(), settings.database_pool_size)
    app.state.settings = settings
    app.state.database = database
    app.state.doorbell = doorbell or default_doorbell(settings, database)
    app.state.clouds = clouds or Sessions()
    app.state.rates = Rates(settings.rate_per_second, settings.rate_burst)
    app.state.holds = holds = JobHolds()
    app.state.planner = Planner(StoredInventories(), holds, settings.max_plan_resources)
    app.state.metrics = Metrics()
    app.state.trail = requests.take_down
    app.state.authenticator = BearerAuthenticator(database, issuer(settings))
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    # Added last, runs first: a refused body has its id, its log line and its measure too.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(Surroundings, metrics=app.state.metrics)
    spec.install(app)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Settle the garbage collector at the start, give connections back at the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    yield
    await app.state.doorbell.close()
    await app.state.database.close()


def default_doorbell(settings: Settings, database: Database) -> Doorbell:
    """Arq where there is Redis, else Postgres."""
    if settings.redis_url is not None:
        return ArqDoorbell(settings.redis_url.get_secret_value())
    return PostgresDoorbell(database)


def issuer(settings: Settings) -> OidcIssuer | None:
    """The OpenID Connect issuer whose JWTs are good, if there is one."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    return OidcIssuer(settings.oidc_issuer, settings.oidc_audience, settings.oidc_role_claim)

"""The console script `landbridge`. Each command loads only what it needs: a server has no sandbox."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

UNITS = {"m": "minutes", "h": "hours", "d": "days"}

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
db = typer.Typer(no_args_is_help=True, help="The database's tables.")
tokens = typer.Typer(no_args_is_help=True, help="Tokens for the API.")
audit = typer.Typer(no_args_is_help=True, help="The audit trail.")
cli.add_typer(db, name="db")
cli.add_typer(audit, name="audit")
cli.add_typer(tokens, name="token")


class Role(StrEnum):
    """Who a token's bearer is."""

    viewer = "viewer"
    planner = "planner"
    approver = "approver"
    operator = "operator"
    admin = "admin"


class Strategy(StrEnum):
    """How an application moves."""

    incremental = "incremental"
    all_at_once = "all_at_once"


def say(text: str) -> None:
    """Tell a person; stdout is for programs."""
    typer.echo(text, err=True)


def tell_version(wanted: bool) -> None:
    """--version"""
    if wanted:
        typer.echo(version("landbridge"))
        raise typer.Exit


@cli.callback()
def landbridge(
    version: Annotated[bool, typer.Option("--version", callback=tell_version, is_eager=True)] = False,
) -> None:
    """Plans and carries out the move of AWS workloads from EC2-Classic into a VPC."""


@cli.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    forwarded_allow_ips: Annotated[str, typer.Option(help="Proxies whose headers count.")] = "127.0.0.1",
) -> None:
    """Run the API."""
    import uvicorn

    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        forwarded_allow_ips=forwarded_allow_ips,
        server_header=False,
        access_log=False,  # the API writes a line of its own for each request
        timeout_graceful_shutdown=5,
    )


@cli.command()
def worker() -> None:
    """Run a worker."""
    from workers.main import run_worker

    run_worker()


@cli.command()
def dev(
    api_port: Annotated[int, typer.Option(help="0: any free port.")] = 8000,
    aws_port: Annotated[int, typer.Option(help="0: any free port.")] = 4566,
    scenario: Annotated[str, typer.Option(help="What the account holds; none: nothing.")] = "shop",
    time_scale: Annotated[float, typer.Option(help="Seconds of AWS's time in one of ours.")] = 60.0,
    data_dir: Annotated[Path | None, typer.Option(help="Keep the database here.")] = None,
    log_dir: Annotated[Path | None, typer.Option(help="Keep the logs here.")] = None,
) -> None:
    """Run the API, a worker and a simulated AWS account until Ctrl-C.

    Prints one line of JSON when all is ready: {"api", "aws", "token"}.
    """
    from landbridge.dev import StackOptions, run_dev

    raise typer.Exit(run_dev(StackOptions(api_port, aws_port, scenario, time_scale, log_dir, data_dir), say))


@cli.command()
def demo(
    strategy: Strategy = Strategy.incremental,
    scenario: Annotated[str, typer.Option(help="What the account holds.")] = "shop",
    time_scale: Annotated[float, typer.Option(help="Seconds of AWS's time in one of ours.")] = 120.0,
    log_dir: Annotated[Path | None, typer.Option(help="Keep the logs here.")] = None,
) -> None:
    """Start everything and move a Classic application into a VPC before your eyes."""
    from landbridge.demo import run_demo
    from landbridge.dev import StackOptions

    raise typer.Exit(run_demo(StackOptions(0, 0, scenario, time_scale, log_dir), strategy.value))


@db.command()
def upgrade() -> None:
    """Bring the database of LANDBRIDGE_DATABASE_URL to the newest revision."""
    import migrations
    from app.settings import get_settings

    migrations.upgrade(get_settings().database_url.get_secret_value())
    say(f"The database is at revision {migrations.head()}.")


@db.command()
def check() -> None:
    """Check that the migrations make what the models say, on an embedded database unless one is set."""
    from landbridge.admin import check_migrations

    difference = check_migrations()
    if difference is not None:
        say(f"{difference}\nMake a migration: alembic revision --autogenerate -m '...'")
        raise typer.Exit(1)


@db.command()
def grant(
    role: Annotated[str, typer.Argument(help="A role of the database, made beforehand.")],
) -> None:
    """Give a role what API and workers need and no more: it can append to the audit trail, not change it.

    Run it as the tables' owner, after each upgrade; have LANDBRIDGE_DATABASE_URL of API and workers name the role.
    """
    from app.settings import get_settings
    from landbridge.admin import grant_to

    grant_to(get_settings().database_url.get_secret_value(), role)
    say(f"{role} may run the service.")


@audit.command()
def verify() -> None:
    """Read the audit trail again; exit 1 and name the first line that is not as it was written."""
    from app.settings import get_settings
    from landbridge.admin import verify_trail

    checked = verify_trail(get_settings().database_url.get_secret_value())
    if checked.broken:
        typer.echo(f"Broken at line {checked.broken.seq}: {checked.broken.reason}.")
        raise typer.Exit(1)
    typer.echo(f"All {checked.lines} lines are as they were written. The last one's hash: {checked.head.hex()}")


@tokens.command()
def create(
    name: Annotated[str, typer.Option(help="Who will use it.")],
    role: Annotated[Role, typer.Option(help="What they may do.")],
    expires_in: Annotated[str | None, typer.Option(help="30m, 12h, 90d; without it, never.")] = None,
) -> None:
    """Make a token and print it: it is shown this once."""
    from app.settings import get_settings
    from landbridge.admin import create_token

    lifetime = read_lifetime(expires_in) if expires_in else None
    typer.echo(create_token(get_settings().database_url.get_secret_value(), name, role.value, lifetime))


@cli.command()
def openapi(
    check: Annotated[bool, typer.Option(help="Only compare with the committed one.")] = False,
) -> None:
    """Write openapi/openapi.json from the code."""
    from landbridge.admin import SPEC, spec_has_drifted, write_spec

    if not check:
        write_spec()
    elif spec_has_drifted():
        say(f"{SPEC} is not what the code says: run `make openapi` and commit it.")
        raise typer.Exit(1)


def read_lifetime(text: str) -> timedelta:
    """30m, 12h or 90d as a duration; raises typer.BadParameter."""
    found = re.fullmatch(r"([1-9]\d*)([mhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a lifetime: write 30m, 12h or 90d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def main() -> None:
    """The entry point."""
    cli()

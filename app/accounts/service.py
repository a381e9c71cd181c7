"""Registering accounts, changing them, and letting them go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import repository
from app.accounts.models import Account
from app.accounts.ports import Holds
from app.accounts.schemas import AccountCreate, AccountUpdate, account_of
from app.db import JsonList, new_id, violated
from app.errors import Code, Conflict, FieldError, Invalid, NotFound
from app.manners.etags import check_match, etag


async def register(session: AsyncSession, wanted: AccountCreate) -> Account:
    """Store a new account with an external id of our making; raises Conflict if the name is taken."""
    account = Account(
        id=new_id("acct"),
        name=wanted.name,
        aws_account_id=wanted.aws_account_id,
        role_arn=wanted.role_arn,
        external_id=str(uuid4()),
        regions=unique(wanted.regions),
    )
    with name_may_be_taken(wanted.name):
        session.add(account)
        await session.flush()
    await session.refresh(account)
    return account


async def get(session: AsyncSession, account_id: str, *, lock: bool = False) -> Account:
    """The account; raises NotFound."""
    account = await repository.find(session, account_id, lock=lock)
    if account is None:
        raise NotFound(f"There is no account {account_id}; GET /v1/accounts lists those there are.")
    return account


async def change(session: AsyncSession, account_id: str, wanted: AccountUpdate, if_match: str | None) -> Account:
    """Change what `wanted` names, if the caller has seen the newest version where it says which."""
    account = await get(session, account_id, lock=True)
    check_match(if_match, tag(account), required=False)
    if "role_arn" in wanted.model_fields_set:
        if wanted.role_arn is not None and account_of(wanted.role_arn) != account.aws_account_id:
            detail = f"The role must be one of account {account.aws_account_id}."
            raise Invalid(detail, errors=[FieldError("/role_arn", "other_account", detail)])
        account.role_arn = wanted.role_arn
    if wanted.regions is not None:
        account.regions = unique(wanted.regions)
    if wanted.name is not None:
        account.name = wanted.name
    account.version += 1
    with name_may_be_taken(account.name):
        await session.flush()
    await session.refresh(account)
    return account


async def remove(session: AsyncSession, account_id: str, if_match: str | None, holds: Holds) -> None:
    """Delete the account with its inventories, plans and finished jobs; raises Conflict while one runs.

    The lock makes a job that is being created at this moment wait, and then fail for want of its account.
    """
    account = await get(session, account_id, lock=True)
    check_match(if_match, tag(account), required=False)
    jobs = await holds.unfinished_jobs(session, account_id)
    if jobs:
        raise Conflict(
            f"The account has unfinished jobs: {', '.join(jobs[:5])}. Wait for them, or cancel or undo them.",
            code=Code.ACCOUNT_BUSY,
        )
    await session.delete(account)


def tag(account: Account) -> str:
    """The account's ETag."""
    return etag(account.id, account.version)


def unique(regions: Sequence[str]) -> JsonList:
    """The regions, each once, in the order given."""
    return cast(JsonList, list(dict.fromkeys(regions)))


@contextmanager
def name_may_be_taken(name: str) -> Iterator[None]:
    """Turn the database's refusal of a second account of this name into ours."""
    try:
        yield
    except IntegrityError as error:
        if violated(error) != "uq_accounts_name":
            raise
        raise Conflict(f"Another account is called {name!r}; choose another name.", code=Code.NAME_TAKEN) from error

"""/v1/accounts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from app.accounts import repository, service, verification
from app.accounts.models import Account as AccountRow
from app.accounts.ports import CloudFactory, Holds
from app.accounts.schemas import Account, AccountCreate, AccountList, AccountUpdate, Verification
from app.manners.etags import IfMatch, IfNoneMatch, is_current, not_modified
from app.manners.idempotency import Idempotent
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.principals import EVERYONE, Role, admits
from app.manners.transactions import Route, Session, TheDatabase

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=Route)

READERS = Depends(admits(*EVERYONE))
KEEPERS = Depends(admits(Role.ADMIN))
VERIFIERS = Depends(admits(Role.PLANNER, Role.OPERATOR))


def clouds_of(request: Request) -> CloudFactory:
    """The way into AWS accounts."""
    clouds: CloudFactory = request.app.state.clouds
    return clouds


def holds_of(request: Request) -> Holds:
    """Who still needs an account."""
    holds: Holds = request.app.state.holds
    return holds


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[KEEPERS, Idempotent])
async def create_account(session: Session, response: Response, wanted: AccountCreate) -> Account:
    """Register an AWS account. The answer's `external_id` belongs in the role's trust policy."""
    account = await service.register(session, wanted)
    response.headers["Location"] = f"/v1/accounts/{account.id}"
    return shown(response, account)


@router.get("", dependencies=[READERS])
async def list_accounts(session: Session, response: Response, window: AskedWindow) -> AccountList:
    """All accounts, newest first."""
    accounts, next_cursor = await repository.page(session, window)
    announce(response, window, next_cursor)
    return AccountList(items=[Account.model_validate(a) for a in accounts], next_cursor=next_cursor)


@router.get("/{account_id}", response_model=Account, dependencies=[READERS])
async def get_account(
    session: Session, response: Response, account_id: PathId, if_none_match: IfNoneMatch = None
) -> Account | Response:
    """One account."""
    account = await service.get(session, account_id)
    if is_current(if_none_match, service.tag(account)):
        return not_modified(service.tag(account))
    return shown(response, account)


@router.patch("/{account_id}", dependencies=[KEEPERS])
async def update_account(
    session: Session, response: Response, account_id: PathId, wanted: AccountUpdate, if_match: IfMatch = None
) -> Account:
    """Change an account's name, role or regions; what is left out stays as it is."""
    return shown(response, await service.change(session, account_id, wanted, if_match))


@router.delete("/{account_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[KEEPERS])
async def delete_account(
    session: Session,
    account_id: PathId,
    holds: Annotated[Holds, Depends(holds_of)],
    if_match: IfMatch = None,
) -> None:
    """Forget an account with its inventories, plans and finished jobs; refused while a job is unfinished."""
    await service.remove(session, account_id, if_match, holds)


@router.post("/{account_id}/verify", dependencies=[VERIFIERS, Idempotent])
async def verify_account(
    database: TheDatabase, account_id: PathId, clouds: Annotated[CloudFactory, Depends(clouds_of)]
) -> Verification:
    """Ask AWS who we are in the account, which regions still have EC2-Classic, and what the role lacks."""
    # A session of its own, closed before AWS is called: a slow answer must not keep a connection.
    async with database.reading() as session:
        account = await service.get(session, account_id)
    return await verification.verify(account, clouds)


def shown(response: Response, account: AccountRow) -> Account:
    """The account as its readers see it, with its ETag."""
    response.headers["ETag"] = service.tag(account)
    return Account.model_validate(account)

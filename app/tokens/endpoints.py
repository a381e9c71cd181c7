"""/v1/tokens."""

from fastapi import APIRouter, Depends, Request, Response, status

from app.manners.idempotency import Idempotent, keep_instead
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.principals import Caller, Role, admits
from app.manners.transactions import Route, Session
from app.tokens import repository, service
from app.tokens.schemas import IssuedToken, Token, TokenCreate, TokenList

ADMINS = Depends(admits(Role.ADMIN))

router = APIRouter(prefix="/v1/tokens", tags=["tokens"], route_class=Route)


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[ADMINS, Idempotent])
async def create_token(request: Request, session: Session, caller: Caller, wanted: TokenCreate) -> IssuedToken:
    """Make a token. Its secret is in this answer and nowhere else: keep it."""
    token, secret = await service.issue(session, wanted, created_by=caller.id)
    shown = IssuedToken.model_validate(token)
    keep_instead(request, shown.model_dump_json(exclude_none=True).encode())
    return shown.model_copy(update={"token": secret})


@router.get("", dependencies=[ADMINS])
async def list_tokens(session: Session, response: Response, window: AskedWindow) -> TokenList:
    """All tokens, newest first, revoked and expired ones too."""
    tokens, next_cursor = await repository.page(session, window)
    announce(response, window, next_cursor)
    return TokenList(items=[Token.model_validate(token) for token in tokens], next_cursor=next_cursor)


@router.delete("/{token_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[ADMINS])
async def revoke_token(session: Session, token_id: PathId) -> None:
    """Revoke a token at once; it stays in the list, marked. Revoking it again changes nothing."""
    await service.revoke(session, token_id)

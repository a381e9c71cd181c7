"""What people ask for through the API, taken down with what it changed."""

import hashlib

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Line, append
from app.manners.principals import Principal

JOBS = "/v1/jobs/"


async def take_down(request: Request, session: AsyncSession, response: Response) -> None:
    """Append who asked for what, and what was answered; the last thing in the request's own transaction.

    The body is known by its SHA-256: it may be long, and may hold what is nobody's business.
    """
    principal: Principal | None = getattr(request.state, "principal", None)
    data = {
        "method": request.method,
        "path": request.url.path,
        "status": response.status_code,
        "request_id": request.state.request_id,
        "body_sha256": hashlib.sha256(await request.body()).hexdigest(),
        "role": principal.role.value if principal else None,
        "location": response.headers.get("location"),
        **getattr(request.state, "taken_down_too", {}),
    }
    line = Line(
        actor=principal.id if principal else "anonymous",
        event=f"api.{request.scope['route'].operation_id or request.scope['route'].name}",
        data={key: value for key, value in data.items() if value is not None},
        job_id=_job(request, response),
    )
    await append(session, [line])


def _job(request: Request, response: Response) -> str | None:
    """The job that was asked for something, or that was made."""
    asked: str | None = request.path_params.get("job_id")
    made = response.headers.get("location", "")
    return asked or (made.removeprefix(JOBS) if made.startswith(JOBS) else None)

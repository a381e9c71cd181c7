"""/v1/jobs/{id}/outages: whoever watches the application tells what was down, and the job's report shows it.

Landbridge sees AWS, not the application's own calls. A prober of one's own does, and so does the
sandbox, whose answer to `GET /_sandbox/outages` has just the shape that is taken here.
"""

from fastapi import APIRouter

from app.errors import Conflict
from app.jobs.changes import add_event, locked
from app.jobs.endpoints import OPERATORS
from app.jobs.outage_schemas import MeasuredOutages, OutagesTold
from app.jobs.outages import check_flows, keep
from app.manners.idempotency import Idempotent
from app.manners.ids import PathId
from app.manners.principals import Caller
from app.manners.transactions import Route, Session

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)


@router.post("/{job_id}/outages", dependencies=[OPERATORS, Idempotent])
async def tell_outages(session: Session, job_id: PathId, told: MeasuredOutages, caller: Caller) -> OutagesTold:
    """Tell what was measured, for the report to show it beside what was foretold."""
    job = await locked(session, job_id)
    if job.action == "dry_run":
        raise Conflict("A dry run interrupts nobody: tell the outages of the job that moved things.")
    await check_flows(session, job, told.outages)
    await keep(session, job, told.outages, caller.id)
    down = sum(1 for each in told.outages if each.total_seconds)
    await add_event(session, job, "outages.measured", {"by": caller.id, "flows": len(told.outages), "down": down})
    return OutagesTold(flows=len(told.outages), interrupted=down)

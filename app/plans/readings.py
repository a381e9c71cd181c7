"""/v1/plans/{id}/…: what a plan holds, in pages, as a picture, and as a runbook."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from app.manners.formats import MARKDOWN
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.principals import EVERYONE, admits
from app.manners.transactions import Route, Session
from app.plans import irreversible, repository, service
from app.plans.drawing import svg
from app.plans.graph import Graph, dot, graph_of, mermaid
from app.plans.irreversible_schemas import IrreversibleList
from app.plans.runbook import runbook
from app.plans.schemas import (
    GraphEdge,
    GraphNode,
    PlanFinding,
    PlanFindingList,
    PlanFlow,
    PlanFlowList,
    PlanGraph,
    PlanStep,
    PlanStepList,
)

READERS = Depends(admits(*EVERYONE))

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=Route, dependencies=[READERS])

GraphFormat = Literal["json", "mermaid", "dot", "svg"]
WRITERS = {
    "mermaid": ("text/vnd.mermaid; charset=utf-8", mermaid),
    "dot": ("text/vnd.graphviz; charset=utf-8", dot),
    "svg": ("image/svg+xml", svg),
}
TEXT = {"schema": {"type": "string"}}
PICTURES = {"text/vnd.mermaid": TEXT, "text/vnd.graphviz": TEXT, "image/svg+xml": TEXT}
# Opened in a browser, a drawing must be able to do nothing but be seen.
HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/{plan_id}/steps")
async def list_plan_steps(
    session: Session,
    response: Response,
    plan_id: PathId,
    window: AskedWindow,
    phase: Annotated[str | None, Query(description="of this phase alone")] = None,
) -> PlanStepList:
    """The plan's steps, each after those it needs."""
    await service.get(session, plan_id)
    found, next_cursor = await repository.part(session, plan_id, "steps", window, {"phase": phase})
    announce(response, window, next_cursor)
    return PlanStepList(items=[PlanStep.of(body) for body in found], next_cursor=next_cursor)


@router.get("/{plan_id}/findings")
async def list_plan_findings(
    session: Session,
    response: Response,
    plan_id: PathId,
    window: AskedWindow,
    level: Annotated[str | None, Query(description="of this level alone: blocker, warning, note")] = None,
) -> PlanFindingList:
    """What a person must know, blockers first."""
    await service.get(session, plan_id)
    found, next_cursor = await repository.part(session, plan_id, "findings", window, {"level": level})
    announce(response, window, next_cursor)
    return PlanFindingList(items=[PlanFinding.model_validate(body) for body in found], next_cursor=next_cursor)


@router.get("/{plan_id}/flows")
async def list_plan_flows(
    session: Session,
    response: Response,
    plan_id: PathId,
    window: AskedWindow,
    verdict: Annotated[
        str | None, Query(description="with this verdict alone: kept, interrupted, already_broken")
    ] = None,
) -> PlanFlowList:
    """Who must be able to call whom, and what the move does to that."""
    await service.get(session, plan_id)
    found, next_cursor = await repository.part(session, plan_id, "flows", window, {"verdict": verdict})
    announce(response, window, next_cursor)
    return PlanFlowList(items=[PlanFlow.model_validate(body) for body in found], next_cursor=next_cursor)


@router.get("/{plan_id}/irreversible")
async def list_plan_irreversible(
    session: Session, response: Response, plan_id: PathId, window: AskedWindow
) -> IrreversibleList:
    """What an undo does not put back: what the steps declare, in the plan's order."""
    await service.get(session, plan_id)
    found, next_cursor = await irreversible.part(session, plan_id, window)
    announce(response, window, next_cursor)
    return IrreversibleList(items=found, next_cursor=next_cursor)


@router.get(
    "/{plan_id}/graph",
    response_model=PlanGraph,
    responses={200: {"description": "The graph", "content": PICTURES}},
)
async def get_plan_graph(
    session: Session,
    plan_id: PathId,
    format: Annotated[GraphFormat, Query(description="json, or text to be drawn, or a drawing")] = "json",
) -> PlanGraph | Response:
    """The steps and what they wait for. In a drawing of a large plan, steps of one action share a box."""
    await service.get(session, plan_id)
    graph = graph_of((await repository.document(session, plan_id)).steps)
    if format == "json":
        return as_data(graph)
    media_type, write = WRITERS[format]
    return Response(await asyncio.to_thread(write, graph), media_type=media_type, headers=HARMLESS)


@router.get(
    "/{plan_id}/runbook",
    response_class=Response,
    responses={200: {"description": "Markdown", "content": {MARKDOWN: TEXT}}},
)
async def get_plan_runbook(session: Session, plan_id: PathId) -> Response:
    """The plan for the person who watches over the move: findings, interruptions, and every step by phase."""
    plan = await service.get(session, plan_id)
    document = await repository.document(session, plan_id)
    return Response(await asyncio.to_thread(runbook, plan, document), media_type=MARKDOWN)


def as_data(graph: Graph) -> PlanGraph:
    """The graph as JSON."""
    return PlanGraph(
        nodes=[
            GraphNode(id=n.id, action=n.action, subject=n.subject, phase=n.phase, seconds=n.seconds)
            for n in graph.nodes
        ],
        edges=[GraphEdge(source=earlier, target=later) for earlier, later in graph.edges],
    )

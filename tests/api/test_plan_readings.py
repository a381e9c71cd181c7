"""What a plan holds: pages, pictures, the runbook, the summary."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from app.db import Database
from tests.api.conftest import Client
from tests.api.shop import FOREIGN, SHOP, a_plan, group, rule

NASTY = '](javascript:x) <script>alert(1)</script> "] --> n0\n# Approved | `x` @here'
FOREIGN_RULE = rule(group="sg-x", owner="999999999999", group_name="x")


async def pages(client: Client, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    body: dict[str, Any] = (await client.get(path, params={"limit": limit})).json()
    found += body["items"]
    while "next_cursor" in body:
        body = (await client.get(path, params={"limit": limit, "cursor": body["next_cursor"]})).json()
        found += body["items"]
    return found


async def test_steps_come_in_an_order_in_which_they_can_run(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    steps = await pages(admin, plan["links"]["steps"], limit=3)
    assert len(steps) == 8
    seen: set[str] = set()
    for step in steps:
        assert set(step["needs"]) <= seen
        assert step["id"] == f"{step['action']}/{step['subject']}"
        assert step["explanation"]
        seen.add(step["id"])
    finalize = (await admin.get(plan["links"]["steps"], params={"phase": "finalize"})).json()["items"]
    assert [step["reversible"] for step in finalize] == [False] * 4


async def test_findings_come_gravest_first_and_by_level(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database, resources=[*SHOP, FOREIGN])
    warnings = (await admin.get(plan["links"]["findings"], params={"level": "warning"})).json()["items"]
    assert "rule_names_other_account" in [finding["code"] for finding in warnings]
    assert len(warnings) == plan["counts"]["findings"]["warning"]


async def test_a_cursor_with_nonsense_in_it_is_refused(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    answer = await admin.get(plan["links"]["steps"], params={"cursor": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_the_graph_has_the_steps_and_what_they_wait_for(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    graph = (await admin.get(plan["links"]["graph"])).json()
    steps = await pages(admin, plan["links"]["steps"], limit=50)
    assert [node["id"] for node in graph["nodes"]] == [step["id"] for step in steps]
    edges = {(edge["source"], edge["target"]) for edge in graph["edges"]}
    assert edges == {(need, step["id"]) for step in steps for need in step["needs"]}


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("mermaid", "text/vnd.mermaid"), ("dot", "text/vnd.graphviz"), ("svg", "image/svg+xml")],
)
async def test_names_from_aws_draw_nothing(admin: Client, database: Database, format: str, media_type: str) -> None:
    nasty = group(NASTY, NASTY, [FOREIGN_RULE])
    plan = await a_plan(admin, database, resources=[*SHOP, nasty])
    answer = await admin.get(plan["links"]["graph"], params={"format": format})
    assert answer.headers["content-type"].startswith(media_type)
    assert "<script" not in answer.text
    lines = answer.text.splitlines()
    if format == "mermaid":
        edges = [line for line in lines if re.fullmatch(r"  n\d+ --> n\d+", line)]
        nodes = [line for line in lines if re.fullmatch(r'    n\d+\["[^"\]]*"\]', line)]
        assert len(edges) + len(nodes) + 1 + sum("subgraph" in x or x == "  end" for x in lines) == len(lines)
    if format == "dot":
        edges = [line for line in lines if re.fullmatch(r"  n\d+ -> n\d+;", line)]
        assert len(edges) == len((await admin.get(plan["links"]["graph"])).json()["edges"])
    if format == "svg":
        root = ElementTree.fromstring(answer.text)  # noqa: S314 - made by ourselves
        assert {tag.tag.split("}")[1] for tag in root.iter()} <= {"svg", "style", "path", "text", "g", "title", "rect"}
        assert "script-src" not in answer.headers["Content-Security-Policy"]


async def test_a_large_plan_is_drawn_by_action(admin: Client, database: Database) -> None:
    many = [group(f"sg-{number}", f"g{number}", []) for number in range(60)]
    plan = await a_plan(admin, database, resources=[*SHOP, *many])
    drawn = (await admin.get(plan["links"]["graph"], params={"format": "svg"})).text
    assert drawn.count("<rect") == 4
    assert "62 steps" in drawn


async def test_an_unknown_graph_format_is_refused(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    assert (await admin.get(plan["links"]["graph"], params={"format": "pdf"})).status_code == 422


async def test_the_runbook_tells_steps_by_phase_and_escapes_what_others_named(
    admin: Client, database: Database
) -> None:
    nasty = group("sg-nasty", NASTY, [FOREIGN_RULE])
    plan = await a_plan(admin, database, resources=[*SHOP, nasty], name="shop *now*")
    answer = await admin.get(plan["links"]["runbook"])
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    headings = [line for line in answer.text.splitlines() if line.startswith("#")]
    assert headings == [
        r"# shop \*now\*",
        "## Findings",
        "## Interruptions",
        "## What an undo does not put back",
        "## Prepare",
        "## Finalize",
    ]
    assert "<script" not in answer.text.replace(r"\<script", "")
    assert "not reversible" in answer.text


@pytest.mark.parametrize("accept", ["text/plain", "text/markdown", "text/*;q=0.5, application/json;q=0.1"])
async def test_a_plan_has_a_summary_for_a_chat(admin: Client, database: Database, accept: str) -> None:
    plan = await a_plan(admin, database, name="shop <!here>")
    answer = await admin.get(plan["links"]["self"], headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(accept.split(";", maxsplit=1)[0].replace("*", "plain"))
    assert len(answer.text) < 600
    assert plan["id"] in answer.text
    assert "approves" in answer.text
    if accept == "text/markdown":
        assert "<!here>" not in answer.text


async def test_a_type_we_do_not_speak_is_refused_with_those_we_do(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    answer = await admin.get(plan["links"]["self"], headers={"Accept": "application/pdf"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert "text/markdown" in answer.json()["detail"]


@pytest.mark.parametrize("reading", ["", "/steps", "/findings", "/flows", "/graph", "/runbook"])
async def test_a_plan_that_is_not_there_is_not_found(admin: Client, reading: str) -> None:
    assert (await admin.get(f"/v1/plans/plan_nobody{reading}")).json()["code"] == "not_found"

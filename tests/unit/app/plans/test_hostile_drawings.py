"""Whatever things are called, a plan's drawings have the same boxes and arrows, and its texts the same shape."""

import re
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.manners.markdown import plain
from app.plans.drawing import short, svg
from app.plans.graph import Graph, Node, dot, mermaid
from app.plans.models import Plan, PlanDocument
from app.plans.runbook import runbook
from tests.kit.hostile import texts, unseen

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SVG = "{http://www.w3.org/2000/svg}"


def graph(first: str, second: str) -> Graph:
    """Two steps in two phases, the second after the first."""
    nodes = (
        Node("a", "instance.stop", first, "prepare", 1.0),
        Node("b", "instance.launch", second, "link", 1.0),
    )
    return Graph(nodes, (("a", "b"),))


HARMLESS = graph("x", "y")


@given(texts, texts)
def test_a_mermaid_drawing_has_the_same_lines_whatever_the_names(first: str, second: str) -> None:
    drawn = mermaid(graph(first, second))
    label = re.compile(r'^(    n\d)\["([a-z.]+)<br/>((?:[A-Za-z0-9 ._:/=,-]|#\d+;)*)"\]$', re.MULTILINE)
    labels = label.findall(drawn)
    assert label.sub(r"\1", drawn) == label.sub(r"\1", mermaid(HARMLESS))
    shown = [re.sub(r"#(\d+);", lambda found: chr(int(found[1])), name) for _, _, name in labels]
    assert shown == [plain(first), plain(second)]


@given(texts, texts)
def test_a_graphviz_drawing_has_the_same_lines_whatever_the_names(first: str, second: str) -> None:
    label = re.compile(r'"(?:[^"\\]|\\.)*"')
    drawn = dot(graph(first, second))
    assert label.sub('""', drawn) == label.sub('""', dot(HARMLESS))
    assert not re.search(r"[<>]", "".join(label.findall(drawn)))
    assert unseen(drawn) == []


@given(texts, texts)
def test_an_svg_drawing_has_the_same_elements_and_attributes_whatever_the_names(first: str, second: str) -> None:
    root, expected = (ElementTree.fromstring(svg(one)) for one in (graph(first, second), HARMLESS))  # noqa: S314
    for mine, harmless in zip(root.iter(), expected.iter(), strict=True):
        assert (mine.tag, mine.attrib) == (harmless.tag, harmless.attrib)
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert titles == [f"instance.stop {plain(first)}", f"instance.launch {plain(second)}"]
    shown = [text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == "subject"]
    assert shown == [short(first), short(second)]


def a_plan(name: str) -> tuple[Plan, PlanDocument]:
    """A plan in which everything that has a name has this one."""
    estimate = {"seconds": 60.0, "outage_seconds": 30.0, "aws_calls": 3.0}
    step: dict[str, Any] = {
        "id": f"instance.stop/instance:{name}",
        "explanation": f"Stop {name}.",
        "reversible": True,
        "not_undone": f"The addresses of {name}.",
        "estimate": {"seconds": 60.0},
    }
    gap = {
        "sources": [f"instance:{name}"],
        "targets": [f"rds_instance:{name}"],
        "from_step": name,
        "to_step": name,
        "estimated_seconds": 30.0,
    }
    plan = Plan(
        id="plan_1", name=name, status="draft", plan_hash="h", account_id="acct_1", region="us-east-1",
        strategy="incremental", estimate=estimate,
    )  # fmt: skip
    document = PlanDocument(
        steps=[step | {"phase": "instances"}, step | {"phase": "finalize", "reversible": False}],
        findings=[{"level": "warning", "subject": f"instance:{name}", "message": f"{name} is called so."}],
        flows=[
            {
                "rule": f"{name} admits {name}",
                "sources": [name],
                "targets": [name],
                "interruptions": [gap],
                "least_in_service": 1,
            }
        ],
    )
    return plan, document


def shape(markdown: str) -> list[str]:
    """What a text is made of, without the text."""
    found = []
    for token in READER.parse(markdown):
        found.append(token.type)
        inner = [child.type for child in token.children or () if child.type not in ("text", "text_special")]
        found += inner
    return found


@given(texts.filter(lambda name: plain(name).strip() != ""))
def test_a_runbook_has_the_same_shape_whatever_the_names(name: str) -> None:
    written = runbook(*a_plan(name))
    assert shape(written) == shape(runbook(*a_plan("x")))
    assert unseen(written) == []
    assert "<script" not in READER.render(written)


@given(st.lists(texts, min_size=2, max_size=2))
def test_a_drawing_of_a_large_plan_is_as_safe(names: list[str]) -> None:
    many = tuple(Node(str(n), names[n % 2], names[n % 2], "prepare", 1.0) for n in range(151))
    ElementTree.fromstring(svg(Graph(many, ())))  # noqa: S314

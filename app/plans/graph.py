"""The graph of a plan's steps, as data and in the languages of Mermaid and Graphviz.

Ids of AWS's things stand in labels. Node names are ours (n0, n1, …), and every character of a label
that either language could take for its own is written as a code, so that no id can draw or link.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from app.manners.markdown import plain
from app.planning.plan import PHASES

NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._:/=,-]")


@dataclass(frozen=True, slots=True)
class Node:
    """A step, or several alike in one."""

    id: str
    action: str
    subject: str
    phase: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the plan's order, and who needs whom as (earlier, later)."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    def phases(self) -> Iterator[tuple[str, list[Node]]]:
        """The nodes of each phase that has some."""
        for phase in PHASES:
            if found := [node for node in self.nodes if node.phase == phase]:
                yield phase, found


def graph_of(steps: Sequence[Any]) -> Graph:
    """The graph of a stored plan's steps."""
    known = {step["id"] for step in steps}
    nodes = tuple(
        Node(step["id"], step["action"], step["subject"], step["phase"], float(step["estimate"]["seconds"]))
        for step in steps
    )
    edges = tuple((need, step["id"]) for step in steps for need in step["needs"] if need in known)
    return Graph(nodes, edges)


def gathered(graph: Graph) -> Graph:
    """The same with one node for all steps of an action: for plans too large to be looked at step by step."""
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        groups.setdefault(node.action, []).append(node)
    nodes = tuple(
        Node(action, action, f"{len(some)} steps", some[0].phase, max(node.seconds for node in some))
        for action, some in groups.items()
    )
    action_of = {node.id: node.action for node in graph.nodes}
    pairs = {(action_of[earlier], action_of[later]) for earlier, later in graph.edges}
    return Graph(nodes, tuple(sorted(pair for pair in pairs if pair[0] != pair[1])))


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart, a subgraph for each phase."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for phase, nodes in graph.phases():
        lines.append(f'  subgraph p_{phase}["{phase.replace("_", " ")}"]')
        lines += [f'    {names[n.id]}["{entities(n.action)}<br/>{entities(n.subject)}"]' for n in nodes]
        lines.append("  end")
    lines += [f"  {names[earlier]} --> {names[later]}" for earlier, later in graph.edges]
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """A Graphviz digraph, a cluster for each phase."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["digraph plan {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif", fontsize=10];']
    for phase, nodes in graph.phases():
        lines += [f"  subgraph cluster_{phase} {{", f'    label="{phase.replace("_", " ")}";']
        lines += [f'    {names[n.id]} [label="{quoted(n.action)}\\n{quoted(n.subject)}"];' for n in nodes]
        lines.append("  }")
    lines += [f"  {names[earlier]} -> {names[later]};" for earlier, later in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def entities(text: str) -> str:
    """`text` inside a Mermaid label: anything unusual as #<code point>;"""
    return NOT_PLAIN.sub(lambda found: f"#{ord(found[0])};", plain(text))


def quoted(text: str) -> str:
    """`text` inside a Graphviz string, which reads HTML's entities too."""
    return escape(plain(text), quote=False).replace("\\", "\\\\").replace('"', '\\"')

"""The frontier hands out each step once, when nothing it waits for is left."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.execution.frontier import Frontier


def drained(frontier: Frontier) -> list[str]:
    found = []
    while id_ := frontier.take():
        found.append(id_)
    return found


def test_a_step_is_free_once_its_last_blocker_is_finished() -> None:
    frontier = Frontier({"a": [], "b": [], "c": ["a", "b"]}, set())
    assert drained(frontier) == ["a", "b"]

    frontier.finish("a")
    assert drained(frontier) == []
    frontier.finish("b")
    assert drained(frontier) == ["c"]


def test_what_is_finished_already_is_neither_waited_for_nor_handed_out() -> None:
    assert drained(Frontier({"a": [], "b": ["a"]}, {"a"})) == ["b"]


def test_what_is_finished_already_hands_its_own_blockers_on() -> None:
    frontier = Frontier({"a": [], "skipped": ["a"], "b": ["skipped"]}, {"skipped"})
    assert drained(frontier) == ["a"]

    frontier.finish("a")
    assert drained(frontier) == ["b"]


def test_blockers_outside_the_graph_block_nothing() -> None:
    assert drained(Frontier({"b": ["another job's"]}, set())) == ["b"]


def all_before(id_: str, graph: dict[str, list[str]]) -> set[str]:
    """Everything that has to be finished before it, however indirectly."""
    return set(graph[id_]).union(*(all_before(blocker, graph) for blocker in graph[id_]))


@given(
    blockers=st.lists(st.sets(st.integers(0, 14), max_size=4), min_size=1, max_size=15),
    finished=st.sets(st.integers(0, 14)),
    chance=st.randoms(use_true_random=False),
)
def test_every_step_is_handed_out_once_after_all_it_waits_for(
    blockers: list[set[int]], finished: set[int], chance: random.Random
) -> None:
    graph = {str(place): [str(b) for b in found if b < place] for place, found in enumerate(blockers)}
    over = {str(id_) for id_ in finished} & graph.keys()
    done: set[str] = set()
    frontier = Frontier(graph, over)
    handed = drained(frontier)
    under_way = list(handed)
    while under_way:
        ended = under_way.pop(chance.randrange(len(under_way)))
        assert all_before(ended, graph) - over <= done
        done.add(ended)
        frontier.finish(ended)
        free = drained(frontier)
        handed += free
        under_way += free
    assert sorted(handed) == sorted(graph.keys() - over)

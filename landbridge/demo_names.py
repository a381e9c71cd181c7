"""What a person calls the things of an account: names instead of ids, wherever there are any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Thing = Mapping[str, Any]

REF = re.compile(r"\b[a-z_]+:[^\s'\"()]*[^\s'\"().,;:]")
SHOWN = 3


class Names:
    """Knows the resources of one inventory."""

    def __init__(self, resources: Iterable[Thing] = ()) -> None:
        self._names = {str(one["ref"]): str(one.get("name") or "") for one in resources}

    def of(self, ref: str) -> str:
        """The thing's name; where it has none, its id."""
        kind, _, id_ = ref.partition(":")
        if kind == "cidr":
            return "anyone" if id_ in ("0.0.0.0/0", "::/0") else id_
        return self._names.get(ref) or id_ or ref

    def some(self, refs: Sequence[str]) -> str:
        """The first of them, and how many more."""
        shown = sorted(self.of(ref) for ref in refs)
        more = len(shown) - SHOWN
        words = ", ".join(shown[:SHOWN]) or "(nobody)"
        return f"{words} and {more} more" if more > 0 else words

    def arrow(self, flow: Thing) -> str:
        """Who calls whom, shortened."""
        return f"{self.some(flow['sources'])} -> {self.some(flow['targets'])}"

    def in_text(self, text: str) -> str:
        """A sentence with the refs that we know replaced by names."""
        return REF.sub(lambda found: self.of(found[0]) if found[0] in self._names else found[0], text)


def ports(flow: Thing) -> str:
    """tcp/80, tcp/1024-2048, any tcp, or the protocol alone."""
    low, high, protocol = flow.get("from_port"), flow.get("to_port"), flow["protocol"]
    if protocol == "-1":
        return "anything"
    if low is None or protocol not in ("tcp", "udp"):
        return str(protocol)
    if (low, high) == (0, 65_535):
        return f"any {protocol}"
    return f"{protocol}/{low}" if low == high else f"{protocol}/{low}-{high}"


def expected_seconds(flow: Thing) -> float:
    """How long the plan expects the flow to be down in all."""
    if "outage_seconds" in flow:
        return float(flow["outage_seconds"])
    return max((float(gap["estimated_seconds"]) for gap in flow.get("interruptions", ())), default=0.0)

"""What ran inside an outage: the steps that led to its end, one after the other, as they really ran."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.planning.plan import StepId

Span = tuple[float, float]  # start and end, in seconds from one moment


@dataclass(frozen=True, slots=True)
class Part:
    """One step of the chain; `waited` is how long after the step before it did it begin, within the outage."""

    step: StepId
    seconds: float
    waited: float


def chain(
    opens: StepId, closes: StepId, ran: Mapping[StepId, Span], needs: Mapping[StepId, Iterable[StepId]]
) -> Sequence[Part]:
    """From the start of `opens` to the end of `closes`: each step is the last that the next one waited for.

    Raises KeyError where one of the two did not run.
    """
    opened = ran[opens][0]
    parts: list[Part] = []
    step = closes
    while True:
        began, ended = ran[step]
        before = max((need for need in needs[step] if need in ran), key=lambda need: (ran[need][1], need), default=None)
        since = ran[before][1] if before else began
        parts.insert(0, Part(step, ended - began, max(0.0, began - max(since, opened))))
        if before is None or since <= opened:
            return parts
        step = before

"""Drift in the middle of a job: before a step begins, its subject and what that refers to are looked at again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.cloud import Cloud
from app.execution.states import DRIFTED
from app.execution.step import EVERYTHING, Step, StepBroken
from app.manners.gathering import Gathering
from app.planning.inventory import Inventory, Ref, Resource
from app.planning.plan import PlannedStep, StepId
from app.resources.drift import SHOWN, Difference, differences, listed, read_again
from app.resources.kind import Kind

Accepted = Mapping[str, Mapping[str, str]]  # by ref and fact, the digest of what a person has said yes to


@dataclass
class _Reading:
    """What is asked for together, and what was found."""

    wanted: set[Ref] = field(default_factory=set)
    found: Mapping[Ref, Resource] = field(default_factory=dict)


class DriftGuard:
    """Compares with the inventory that the plan was made from. Steps that begin at the same time share their
    readings: what is asked for while one is under way waits for the next.

    `steps`: all of the plan's, also those of another job.
    """

    def __init__(
        self,
        before: Inventory,
        steps: Sequence[PlannedStep],
        actions: Mapping[str, Step],
        kinds: Mapping[str, Kind],
        cloud: Cloud,
        accepted: Accepted | None = None,
    ) -> None:
        self._before = before
        self._steps = steps
        self._actions = actions
        self._kinds = kinds
        self._cloud = cloud
        self._accepted = accepted or {}
        self._altering = self._by_altered(steps)
        self._readings: Gathering[_Reading] = Gathering(_Reading, self._read)

    async def look(self, step: PlannedStep, begun: Callable[[StepId], bool]) -> None:
        """See app.execution.guard.Guard."""
        refs = self._relied_on(step)
        if not refs:
            return
        now = await self._now(refs)
        altered = {ref: self._altered(ref, begun) for ref in refs}
        changed = [
            each
            for each in differences(refs, self._before, now, self._kinds, passing=True)
            if not self._expected(each, altered)
        ]
        if changed:
            raise self._drifted(changed, begun)

    def _relied_on(self, step: PlannedStep) -> list[Ref]:
        """Its subject, and what that cannot do without."""
        subject = self._before.get(Ref.parse(step.subject))
        if subject is None:  # made by the plan itself
            return []
        return [subject.ref, *sorted(ref for ref in subject.refers_to if self._kinds[ref.kind].comes_along)]

    async def _now(self, refs: Iterable[Ref]) -> Inventory:
        """What there is of them, and what they refer to: read now where it had not been there before."""
        found = dict(await self._again(refs))
        near = {ref for each in found.values() for ref in each.refers_to} - found.keys()
        standing = [each for ref in sorted(near) if (each := self._before.get(ref))]
        if new := [ref for ref in sorted(near) if ref not in self._before]:
            standing += (await self._again(new)).values()
        # Members count by their holders, who must be known for that.
        holders = {each.holder for each in standing} - {each.ref for each in (*standing, *found.values())}
        known = [each for ref in holders if ref and (each := self._before.get(ref))]
        return Inventory(self._before.region, (*found.values(), *standing, *known))

    async def _again(self, refs: Iterable[Ref]) -> Mapping[Ref, Resource]:
        mine: list[_Reading] = []

        def ask(reading: _Reading) -> None:
            reading.wanted.update(refs)
            mine.append(reading)

        await self._readings.add(ask)
        return {ref: found for ref in refs if (found := mine[0].found.get(ref))}

    async def _read(self, reading: _Reading) -> None:
        found = await read_again(self._cloud, reading.wanted, self._kinds)
        reading.found = {resource.ref: resource for resource in found}

    def _by_altered(self, steps: Sequence[PlannedStep]) -> Mapping[Ref, list[tuple[StepId, frozenset[str]]]]:
        """By resource: the steps that alter facts of it, their own subject or related with that, and which."""
        found: dict[Ref, list[tuple[StepId, frozenset[str]]]] = {}
        for step in steps:
            if alters := self._actions[step.action].alters:
                subject = Ref.parse(step.subject)
                resource = self._before.get(subject)
                related = {subject, *(resource.refers_to if resource else ())}
                related |= {each.ref for each in self._before.referring_to(subject)}
                for ref in related:
                    if ref.kind in alters:
                        found.setdefault(ref, []).append((step.id, alters[ref.kind]))
        return found

    def _altered(self, ref: Ref, begun: Callable[[StepId], bool]) -> frozenset[str]:
        """What the job's own steps have changed of it by now."""
        return frozenset[str]().union(*(facts for id_, facts in self._altering.get(ref, ()) if begun(id_)))

    def _expected(self, each: Difference, altered: Mapping[Ref, frozenset[str]]) -> bool:
        if altered[each.ref] >= EVERYTHING or each.fact in altered[each.ref]:
            return True
        return self._accepted.get(str(each.ref), {}).get(each.fact) == each.digest

    def _drifted(self, changed: Sequence[Difference], begun: Callable[[StepId], bool]) -> StepBroken:
        """Planning anew would do as long as nothing that was made holds the old state."""
        refs = {each.ref for each in changed}
        carried = [step.id for step in self._steps if begun(step.id) and refs & set(self._relied_on(step))]
        if carried:
            more = f" and {len(carried) - 1} more" if len(carried) > 1 else ""
            advice = (
                f"Planning anew alone would not do, for {carried[0]}{more} went by what it was. Put it back as it was "
                "and retry the step; or bring its counterpart in line, accept the drift and resume; or undo the job, "
                "then discover and plan anew."
            )
        else:
            advice = (
                "Nothing went by what it was yet, so planning anew would do: cancel or undo the job, then discover "
                "and plan anew. Or put it back as it was and retry the step; or accept the drift and resume."
            )
        return StepBroken(
            f"The account changed since the plan was made, and this step has not begun. Changed: {listed(changed)}. "
            + advice,
            DRIFTED,
            changed=[each.as_json() for each in changed[:SHOWN]],
            planning_anew="would_not_do" if carried else "would_do",
        )

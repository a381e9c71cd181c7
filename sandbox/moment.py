"""One look at a place: who stands in for whom at this moment, and which flows are up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.elb.load_balancers import LoadBalancer
from sandbox.likeness import Likeness, Likes
from sandbox.parties import DATABASE, FLEET, INSTANCE, LOAD_BALANCER, OUTSIDE, Party, members, party
from sandbox.reach import Reach
from sandbox.standins import Directory, addresses_held, counterparts, where_callers_go
from sandbox.world import Place

UP = Reach(True, "every stand-in in service can call a stand-in in service of each target")


@dataclass(frozen=True)
class Flow:
    """Somebody who must be able to call somebody on a port; refs as declared."""

    id: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    from_port: int
    to_port: int
    protocol: str = "tcp"

    def port_of(self, target: Party) -> int:
        """Of a range, the port on which a database or load balancer listens; else its first."""
        listening = [port for port in target.ports or () if self.from_port <= port <= self.to_port]
        return min(listening, default=self.from_port)


@dataclass(frozen=True)
class Destination:
    """Where a call to a target goes: to all of `parties` or to any one of them. `lost` names lead
    nowhere, and callers who use them get no answer.
    """

    parties: tuple[Party, ...]
    all_of_them: bool
    lost: frozenset[str] = frozenset()


class Moment:
    """Valid until the next change. `told` are stand-ins that a client declared and that take traffic
    already; `directory` is what callers know things by.
    """

    def __init__(self, place: Place, directory: Directory, told: Mapping[str, Iterable[str]]) -> None:
        self._place = place
        self._like = Likeness(place)
        self._directory = directory
        self._holders = addresses_held(place)
        self._parties: dict[str, Party] = {}
        self._members: dict[str, list[str]] = {}
        self._calling: dict[str, list[Party]] = {}
        self._destinations: dict[tuple[str, bool], Destination] = {}
        self._behind: dict[tuple[str, Flow], list[Reach]] = {}
        self._counterparts = counterparts(place)
        for source, refs in told.items():
            known = self._counterparts.setdefault(source, [])
            known += [ref for ref in refs if ref not in known]
        self._source_of = {ref: source for source, refs in self._counterparts.items() for ref in refs}
        self._serving = self._members_that_serve()
        self._draining = {
            f"{INSTANCE}:{member}" for one in place.table(LoadBalancer).values() for member in one.draining
        }

    def judge(self, flow: Flow) -> Reach:
        """Is the flow up, and if not, who cannot call whom."""
        balancers = [ref for ref in flow.sources if ref.startswith(LOAD_BALANCER)]
        others = [ref for ref in flow.sources if not ref.startswith(LOAD_BALANCER)]
        for ref in balancers:
            for verdict in self._members_called(ref, flow):
                if not verdict.ok:
                    return verdict
        return self._judge_callers(others, flow) if others else UP

    def in_service(self, flow: Flow) -> int | None:
        """How many of its targets a load balancer can call that is a source of it; None where none is."""
        balancers = [ref for ref in flow.sources if ref.startswith(LOAD_BALANCER)]
        counts = [sum(verdict.ok for verdict in self._members_called(ref, flow)) for ref in balancers]
        return min(counts, default=None)

    def visits(self, flow: Flow) -> dict[str, tuple[int, bool]]:
        """By ref: the load balancers and databases that its callers get to, on which port, and whether they find
        anybody there. A load balancer is got to also where none of its members is in service; then it says so."""
        managed = [ref for ref in flow.targets if not ref.startswith((INSTANCE, FLEET))]
        if not managed:
            return {}
        callers = [one for ref in flow.sources if not ref.startswith(LOAD_BALANCER) for one in self._callers(ref)]
        found: dict[str, tuple[int, bool]] = {}
        for caller in self._distinct(callers):
            for target in managed:
                for called in self._destination(target, caller.kind == OUTSIDE).parties:
                    if self._gets_to(caller, called, flow):
                        found[called.ref] = (flow.port_of(called), not called.down)
        return found

    def _gets_to(self, caller: Party, called: Party, flow: Flow) -> bool:
        answers = not called.down or (called.kind == LOAD_BALANCER and called.name in self._place.table(LoadBalancer))
        return answers and self._like.lets_through(caller, called, flow.port_of(called), flow.protocol)

    def _members_called(self, ref: str, flow: Flow) -> list[Reach]:
        """For each target, whether the load balancer calls it; callers reach it by name, old names included."""
        if (ref, flow) not in self._behind:
            standing, all_of_them = self._balancers_in_service(ref)
            self._behind[ref, flow] = [
                self._member_called(ref, standing, all_of_them, one, flow) for one in flow.targets
            ]
        return self._behind[ref, flow]

    def _member_called(self, ref: str, standing: list[Party], all_of_them: bool, target: str, flow: Flow) -> Reach:
        verdicts = [self._balancer_calls(one, target, flow) for one in standing]
        failed = [verdict for verdict in verdicts if not verdict.ok]
        if not verdicts:
            return Reach(False, f"no stand-in of {ref} is in service")
        return failed[0] if failed and (all_of_them or len(failed) == len(verdicts)) else UP

    def _balancer_calls(self, balancer: Party, target: str, flow: Flow) -> Reach:
        verdict = Reach(False, f"no stand-in of {target} is in service behind {balancer.name}")
        for ref in self._stand_ins(target):
            member = self.party(ref)
            if member.name in balancer.in_service:
                verdict = self._like.judge(balancer, member, flow.port_of(member), flow.protocol)
                if verdict.ok:
                    return verdict
        return verdict

    def _judge_callers(self, refs: list[str], flow: Flow) -> Reach:
        """Sources that are alike are judged once, against targets that are alike."""
        sources: dict[frozenset[Likes], list[str]] = {}
        examples: dict[frozenset[Likes], list[Party]] = {}
        for ref in refs:
            standing = self._callers(ref)
            if not standing:
                continue  # nobody of it is there to call
            likes = frozenset(map(self._like.of, standing))
            sources.setdefault(likes, []).append(ref)
            examples[likes] = standing
        targets: dict[bool, list[list[str]]] = {}
        for likes, alike in sources.items():
            callers = examples[likes]
            outside = all(one.kind == OUTSIDE for one in callers)
            if outside not in targets:
                targets[outside] = self._alike(flow.targets, outside)
            for called in targets[outside]:
                if len(alike) == 1 and called == alike:
                    continue  # nobody has to be able to call himself
                verdict = self._call(callers, called[0], outside, flow)
                if not verdict.ok:
                    return verdict
        return UP

    def _alike(self, targets: Iterable[str], outside: bool) -> list[list[str]]:
        """Targets in groups of which one stands for all."""
        groups: dict[tuple[frozenset[Likes], bool, frozenset[str]], list[str]] = {}
        for ref in targets:
            goes = self._destination(ref, outside)
            key = (frozenset(map(self._like.of, goes.parties)), goes.all_of_them, goes.lost)
            groups.setdefault(key, []).append(ref)
        return list(groups.values())

    def _call(self, callers: Iterable[Party], target: str, outside: bool, flow: Flow) -> Reach:
        goes = self._destination(target, outside)
        if goes.lost:
            return Reach(False, f"{min(goes.lost).rstrip('.')}, by which {target} is called, leads nowhere")
        for caller in callers:
            verdicts = [self._like.judge(caller, one, flow.port_of(one), flow.protocol) for one in goes.parties]
            failed = [verdict for verdict in verdicts if not verdict.ok]
            if not verdicts:
                return Reach(False, f"no stand-in of {target} is in service")
            if failed and (goes.all_of_them or len(failed) == len(verdicts)):
                return failed[0]
        return UP

    def _callers(self, ref: str) -> list[Party]:
        """The stand-ins of a source in service: those up, and of a member of a load balancer those
        to whom it sends traffic (the source until it is drained, its counterpart from then on). A
        member of a group that is being drained is still busy with what came before.
        """
        if ref not in self._calling:
            self._calling[ref] = self._callers_now(ref)
        return self._calling[ref]

    def _callers_now(self, ref: str) -> list[Party]:
        family, stand_ins = self._family(ref), self._stand_ins(ref)
        standing = [one for one in map(self.party, stand_ins) if not one.down]
        if any(one in self._directory.fronted for one in (*family, *stand_ins)):
            busy = self._serving | self._draining if ref.startswith(FLEET) else self._serving
            standing = [one for one in standing if one.ref in busy]
        return self._distinct(standing) if ref.startswith(FLEET) else standing

    def _distinct(self, found: Iterable[Party]) -> list[Party]:
        """One of all that are judged alike: of a large group most are."""
        return list({self._like.of(one): one for one in found}.values())

    def _destination(self, target: str, outside: bool) -> Destination:
        key = (target, outside)
        if key not in self._destinations:
            names = self._names(target) if outside or not target.startswith(INSTANCE) else set()
            self._destinations[key] = self._by_name(names) if names else self._by_family(target)
        return self._destinations[key]

    def _by_name(self, names: Iterable[str]) -> Destination:
        used = {value: name for name in names for value in where_callers_go(self._place, name)}
        refs = {self._holders[value] for value in used if value in self._holders}
        lost = frozenset(name for value, name in used.items() if value not in self._holders)
        return Destination(tuple(map(self.party, sorted(refs))), True, lost)

    def _by_family(self, target: str) -> Destination:
        """Without a name: whichever stand-in answers; a database only by its identifier, which a
        renamed one takes over. aws-facts A5
        """
        refs = [target] if target.startswith(DATABASE) else self._stand_ins(target)
        parties = [self.party(ref) for ref in refs]
        if target.startswith(FLEET):
            parties = self._distinct(parties)
        return Destination(tuple([one for one in parties if not one.down] or parties), False)

    def _balancers_in_service(self, ref: str) -> tuple[list[Party], bool]:
        """Those to which callers go: by name all that names lead to, else any that has members."""
        names = self._names(ref)
        if names:
            goes = self._by_name(names)
            return [one for one in goes.parties if one.kind == LOAD_BALANCER], True
        return [one for one in map(self.party, self._family(ref)) if not one.down], False

    def _members_that_serve(self) -> set[str]:
        """Instances in service behind a load balancer to which callers go."""
        serving: set[str] = set()
        known = [ref for ref in self._holders.values() if ref.startswith(LOAD_BALANCER)]
        for ref in {self._source_of.get(one, one) for one in known}:
            for balancer in self._balancers_in_service(ref)[0]:
                serving.update(f"{INSTANCE}:{member}" for member in balancer.in_service)
        return serving

    def _names(self, ref: str) -> set[str]:
        return {name for one in self._family(ref) for name in self._directory.names.get(one, ())}

    def _family(self, ref: str) -> list[str]:
        """The source and its counterparts, and theirs."""
        family = [ref]
        for one in family:
            family += [other for other in self._counterparts.get(one, ()) if other not in family]
        return family

    def _stand_ins(self, ref: str) -> list[str]:
        """Its family, with the members of groups in the groups' place."""
        family = self._family(ref)
        if not ref.startswith(FLEET):
            return family
        if ref not in self._members:
            self._members[ref] = [one for kin in family for one in members(self._place, kin)]
        return self._members[ref]

    def party(self, ref: str) -> Party:
        if ref not in self._parties:
            self._parties[ref] = party(self._place, ref)
        return self._parties[ref]

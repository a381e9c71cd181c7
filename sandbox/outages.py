"""When declared flows were down, measured on the sandbox's clock from who could reach whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.moment import Flow, Moment
from sandbox.parties import check_ref
from sandbox.settling import after_changes
from sandbox.standins import Directory
from sandbox.traffic import note
from sandbox.world import Place, World


@dataclass
class Down:
    """`ended` None: still down."""

    began: datetime
    why: str
    ended: datetime | None = None


@dataclass(frozen=True)
class Level:
    """From `began` on, so many members were in service behind a load balancer."""

    began: datetime
    in_service: int


@dataclass
class _Watched:
    flow: Flow
    downs: list[Down] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)


@dataclass
class _Watch:
    """What is watched in one place. `told`: source ref -> counterpart ref -> from when."""

    flows: dict[str, _Watched] = field(default_factory=dict)
    told: dict[str, dict[str, datetime]] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)


class Outages:
    """Looks again after every change, once for all changes of one moment.

    A flow is up when every stand-in of a source that is in service can call a stand-in in service
    of each target. Stand-ins are found by the tags landbridge:source (a ref) or landbridge:step
    (<action>/<ref>) on things of the same kind; clients may tell of others. A source none of whose
    stand-ins is in service calls nobody, and nothing is down for it. An Auto Scaling group stands for
    its members in service and those being drained, whoever they are at the moment. Databases are called by their
    identifier, load balancers and databases by the Route 53 names that once led to them, an
    instance called from outside by its Elastic IP. What the flows' callers come to is counted as traffic.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._watches: dict[Place, _Watch] = {}
        after_changes(world, self._look)

    def declare(self, flows: Iterable[Mapping[str, Any]], place: Place | None = None) -> None:
        """Watch flows from now on. One with a known id replaces it and begins anew, unless it is the
        same: so a client may declare it again with further counterparts.

        A flow: {"id", "sources": [ref…], "targets": [ref…], "port" or "from_port" and "to_port",
        "protocol",
        "counterparts": {source ref: counterpart ref or [refs]}, "called_as": a DNS name by which its
        callers go on calling its targets}. Raises ValueError for another shape.
        """
        flows = list(flows)
        read = [(_read(flow), _counterparts(flow)) for flow in flows]
        with self._world.lock:
            self._world.clock.run_due()
            place = place or self._world.place()
            watch = self._watches.setdefault(place, _Watch())
            for flow, told in read:
                known = watch.flows.get(flow.id)
                if known is None or known.flow != flow:
                    watch.flows[flow.id] = _Watched(flow)
                for source, refs in told.items():
                    for ref in refs:
                        watch.told.setdefault(source, {}).setdefault(ref, self._world.clock.now())
            for (flow, _), said in zip(read, flows, strict=True):
                for target in flow.targets if said.get("called_as") else ():
                    watch.directory.names.setdefault(target, set()).add(str(said["called_as"]).lower())
            self._look_at(place, watch)

    def stand_in(self, source: str, counterpart: str, at: datetime | None = None, place: Place | None = None) -> None:
        """`counterpart` stands in for `source` from `at` on (default: now)."""
        with self._world.lock:
            clock = self._world.clock
            clock.run_due()
            place = place or self._world.place()
            watch = self._watches.setdefault(place, _Watch())
            watch.told.setdefault(source, {})[counterpart] = at or clock.now()
            self._look_at(place, watch)
            if at and at > clock.now():
                clock.after((at - clock.now()).total_seconds(), place.changed)

    def since(self, moment: datetime | None = None) -> list[dict[str, Any]]:
        """Per flow: {"flow", "down": [{"from", "to", "seconds", "why"}], "total_seconds"}; times are
        RFC 3339, what began before `moment` counts from it, and what goes on has no "to". Of a load balancer's
        flow also "least_in_service": the fewest of its targets that it could call at once.
        """
        with self._world.lock:
            self._world.clock.run_due()
            now = self._world.clock.now()
            return [
                _report(watched, moment, now) for watch in self._watches.values() for watched in watch.flows.values()
            ]

    def _look(self, world: World) -> None:
        for place, watch in self._watches.items():
            self._look_at(place, watch)

    def _look_at(self, place: Place, watch: _Watch) -> None:
        now = self._world.clock.now()
        watch.directory.learn(place)
        told = {source: [ref for ref, begins in refs.items() if begins <= now] for source, refs in watch.told.items()}
        moment = Moment(place, watch.directory, told)
        for watched in watch.flows.values():
            verdict = moment.judge(watched.flow)
            current = watched.downs[-1] if watched.downs and watched.downs[-1].ended is None else None
            if verdict.ok and current:
                current.ended = now
                if current.began == now:
                    watched.downs.pop()  # changes of one moment, none of which anybody could notice
            elif not verdict.ok and not current:
                watched.downs.append(Down(now, verdict.why))
            _note_level(watched, now, moment.in_service(watched.flow))
        note(place, ((watched.flow.id, moment.visits(watched.flow)) for watched in watch.flows.values()))


def _read(flow: Mapping[str, Any]) -> Flow:
    protocol = str(flow.get("protocol", "tcp"))
    try:
        first = flow.get("from_port", flow.get("port"))
        if first is None and protocol not in ("tcp", "udp"):
            first = 0  # of protocols without ports
        first = int(flow["port"] if first is None else first)
        last = int(flow.get("to_port", first))
        read = Flow(str(flow["id"]), tuple(flow["sources"]), tuple(flow["targets"]), first, last, protocol)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a flow has id, sources, targets and a port: {error}") from error
    for ref in (*read.sources, *read.targets):
        check_ref(ref, read.id)
    return read


def _counterparts(flow: Mapping[str, Any]) -> dict[str, list[str]]:
    told = flow.get("counterparts") or {}
    return {source: [refs] if isinstance(refs, str) else list(refs) for source, refs in told.items()}


def _note_level(watched: _Watched, now: datetime, in_service: int | None) -> None:
    levels = watched.levels
    if in_service is None or (levels and levels[-1].in_service == in_service):
        return
    if levels and levels[-1].began == now:  # of the changes of one moment, what they came to
        levels.pop()
    if not levels or levels[-1].in_service != in_service:
        levels.append(Level(now, in_service))


def _least(levels: list[Level], moment: datetime | None) -> int:
    """Among those in force at `moment` or after it."""
    ends = [*(level.began for level in levels[1:]), None]
    return min(
        level.in_service
        for level, end in zip(levels, ends, strict=True)
        if moment is None or end is None or end > moment
    )


def _report(watched: _Watched, moment: datetime | None, now: datetime) -> dict[str, Any]:
    downs: list[dict[str, Any]] = []
    for down in watched.downs:
        ended = down.ended or now
        if moment is not None and ended <= moment:
            continue
        began = max(down.began, moment) if moment else down.began
        one = {
            "from": began.isoformat(),
            "seconds": (ended - began).total_seconds(),
            "why": down.why,
        }
        if down.ended:
            one["to"] = down.ended.isoformat()
        downs.append(one)
    told = {
        "flow": watched.flow.id,
        "down": downs,
        "total_seconds": float(sum(one["seconds"] for one in downs)),
    }
    return told | ({"least_in_service": _least(watched.levels, moment)} if watched.levels else {})

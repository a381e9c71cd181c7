"""The control door: what can be asked of and done to a simulation beside AWS's own protocol.

Every action takes the running sandbox and what was asked (the query and the JSON body as one mapping) and
returns JSON. It raises ValueError, with a sentence for a person, for what cannot be done.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sandbox.faults import Fault
from sandbox.limits import Limits
from sandbox.reach import reach
from sandbox.running import Running
from sandbox.service import prepare
from sandbox.world import ACCOUNT_ID, Place

Json = dict[str, Any]
Asked = Mapping[str, Any]
Action = Callable[[Running, Asked], Json]


def read_clock(running: Running, _: Asked) -> Json:
    clock = running.world.clock
    due = clock.next_due()
    return {
        "now": clock.now().isoformat(),
        "scale": clock.scale,
        "next_due": due.isoformat() if due else None,
    }


def set_clock(running: Running, asked: Asked) -> Json:
    _only(asked, "advance_seconds", "scale")
    if "scale" in asked:
        running.world.clock.set_scale(_number(asked, "scale"))
    if "advance_seconds" in asked:
        running.world.clock.advance(_number(asked, "advance_seconds"))
    return read_clock(running, asked)


def read_faults(running: Running, _: Asked) -> Json:
    return {"faults": [asdict(rule) for rule in running.world.faults.rules]}


def add_faults(running: Running, asked: Asked) -> Json:
    """One fault, or {"faults": [...]}: all of them or none."""
    wanted = asked.get("faults", [asked])
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise ValueError("faults must be a list of faults")
    for fault in [Fault.from_json(one) for one in wanted]:
        running.world.faults.add(fault)
    return read_faults(running, asked)


def clear_faults(running: Running, asked: Asked) -> Json:
    running.world.faults.clear()
    return read_faults(running, asked)


def read_calls(running: Running, asked: Asked) -> Json:
    """Counts by API; with ?latest=N also the latest N calls, newest first."""
    calls = running.world.calls
    answer: Json = {"calls": {name: asdict(count) for name, count in sorted(calls.counts.items())}}
    if "latest" in asked:
        newest = islice(reversed(calls.latest), int(_number(asked, "latest")))
        answer["latest"] = [{**asdict(call), "at": call.at.isoformat()} for call in newest]
    return answer


def read_reach(running: Running, asked: Asked) -> Json:
    for name in ("source", "target", "port"):
        if name not in asked:
            raise ValueError(f"{name} is missing: ask ?source=instance:i-1&target=rds_instance:main&port=3306")
    port = int(_number(asked, "port"))
    found = reach(_place(running, asked), asked["source"], asked["target"], port, asked.get("protocol", "tcp"))
    return {"ok": found.ok, "why": found.why, "at": running.world.clock.now().isoformat()}


def declare_flows(running: Running, asked: Asked) -> Json:
    flows = asked.get("flows")
    if not isinstance(flows, list) or not all(isinstance(flow, dict) for flow in flows):
        raise ValueError('flows are declared as {"flows": [{"id", "sources", "targets", "port"}]}')
    running.outages.declare(flows, _place(running, asked))
    return {"declared": len(flows)}


def read_outages(running: Running, asked: Asked) -> Json:
    since = asked.get("since")
    moment = None
    if since:
        # A plus sign in a query is a space: take "…T09:00:00 00:00" for what was meant.
        moment = datetime.fromisoformat(str(since).replace(" ", "+"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return {"outages": running.outages.since(moment)}


def reset(running: Running, asked: Asked) -> Json:
    running.reset()
    return read_clock(running, asked)


def set_limits(running: Running, asked: Asked) -> Json:
    """Raise (or lower) what the account may have in a region, as AWS's support does on request."""
    names = {field.name for field in fields(Limits)}
    _only(asked, *names, "account", "region")
    limits = _place(running, asked).limits
    for name in names & set(asked):
        setattr(limits, name, int(_number(asked, name)))
    return asdict(limits)


def set_role(running: Running, asked: Asked) -> Json:
    """Let a role be assumed, with the ExternalId it demands ("" for none)."""
    _only(asked, "arn", "external_id")
    if not isinstance(asked.get("arn"), str):
        raise ValueError("a role needs its arn")
    running.world.roles[asked["arn"]] = str(asked.get("external_id", ""))
    return {"roles": sorted(running.world.roles)}


def set_throttle(running: Running, asked: Asked) -> Json:
    _only(asked, "enabled")
    if not isinstance(asked.get("enabled"), bool):
        raise ValueError("enabled must be true or false")
    running.world.throttle.enabled = asked["enabled"]
    return {"enabled": running.world.throttle.enabled}


ACTIONS: Mapping[tuple[str, str], Action] = {
    ("GET", "/clock"): read_clock,
    ("POST", "/clock"): set_clock,
    ("GET", "/faults"): read_faults,
    ("POST", "/faults"): add_faults,
    ("DELETE", "/faults"): clear_faults,
    ("GET", "/calls"): read_calls,
    ("GET", "/reach"): read_reach,
    ("POST", "/flows"): declare_flows,
    ("GET", "/outages"): read_outages,
    ("POST", "/reset"): reset,
    ("POST", "/limits"): set_limits,
    ("POST", "/roles"): set_role,
    ("POST", "/throttle"): set_throttle,
}


def act(running: Running, action: Action, asked: Asked) -> Json:
    """Carry out an action on the world as it is at this moment."""
    with running.world.lock:
        running.world.clock.run_due()
        return action(running, asked)


def _place(running: Running, asked: Asked) -> Place:
    place = running.world.place(asked.get("account", ACCOUNT_ID), asked.get("region", "us-east-1"))
    prepare(place)
    return place


def _only(asked: Asked, *known: str) -> None:
    if unknown := set(asked) - set(known):
        raise ValueError(f"unknown fields {sorted(unknown)}: use {', '.join(sorted(known))}")


def _number(asked: Asked, name: str) -> float:
    try:
        return float(asked[name])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number") from error

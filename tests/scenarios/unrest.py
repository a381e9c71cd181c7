"""A group that is never left alone while it moves, and what must be true of it all the same."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.execution.executor import Outcome
from app.execution.journal import MemoryJournal
from app.execution.states import StepState
from app.planning.inventory import Json
from app.planning.plan import PlannedStep
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.ec2.instances import Instance
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.settling import after_changes
from sandbox.virtual_time import run
from sandbox.world import World
from tests.scenarios.elastic import ElasticMove

LOOK_EVERY = 5.0
# Once in service, a newcomer is linked (by AWS as it starts, or by a round), registered by the next round, and checked.
SOON = 90.0
# A member's launch, its lifecycle hook, and its health checks; and as much again for one that was hit meanwhile.
SETTLES_WITHIN = 600.0
SCALING = ("AlarmNotification", "ScheduledActions", "AZRebalance")


class Noticing(MemoryJournal):
    """Calls `notice` after each move."""

    def __init__(self) -> None:
        super().__init__()
        self.notice: Callable[[PlannedStep, StepState], None] = lambda step, to: None

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        await super().move(step, to, result=result, error=error)
        self.notice(step, to)


@dataclass
class Unrest:
    """Acts when a phase or a step of the group begins and at any moment between, as far as somebody is left to serve.

    `hits`: how many members it has taken since the group was last at rest; `doomed` are those that it named.
    """

    move: ElasticMove
    chance: random.Random
    hits: int = 0
    doomed: set[str] = field(default_factory=set)
    acted: list[tuple[str, str]] = field(default_factory=list)  # phase, what
    wrong: list[str] = field(default_factory=list)
    phase: str = "prepare"
    baseline: int = 0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.baseline = len(self.move.group().in_service)
        self.move.journal = journal = Noticing()
        journal.notice = self._notice
        after_changes(self.move.bench.world, self._look)

    def execute(self) -> Outcome:
        return run(self.move.bench.world, self._execute())

    async def _execute(self) -> Outcome:
        move = self.move
        job = asyncio.ensure_future(move.bench.executor(move.steps, move.journal).advance())
        beside = [asyncio.ensure_future(self._act_on()), asyncio.ensure_future(self._look_on())]
        await asyncio.wait({job, *beside}, return_when=asyncio.FIRST_COMPLETED)
        for task in beside:
            task.cancel()
        await asyncio.gather(job, *beside, return_exceptions=True)
        for task in beside:
            if not task.cancelled():
                task.result()
        return job.result()

    def come_to_rest(self) -> bool:
        """Left alone for as long as it may take."""
        for _ in range(int(SETTLES_WITHIN / LOOK_EVERY)):
            if self.at_rest():
                return True
            self.move.bench.world.clock.advance(LOOK_EVERY)
        return False

    # -- when ------------------------------------------------------------------------------------

    def _notice(self, step: PlannedStep, to: StepState) -> None:
        if to != "running":
            return
        if step.phase != self.phase or step.action.startswith("auto_scaling_group."):
            self.phase = step.phase
            self._woken.set()

    async def _act_on(self) -> None:
        while True:
            self._something()
            try:
                await asyncio.wait_for(self._woken.wait(), self.chance.choice([3, 20, 45, 120, 240]))
            except TimeoutError:
                continue
            self._woken.clear()

    def _something(self) -> None:
        """One thing that may happen at this moment, if the group can bear any."""
        move = self.move
        groups = [group for group in (move.group(), move.new_group) if group and group.maximum]
        if not groups:
            return
        group = self.chance.choice(groups)
        possible: list[tuple[str, Callable[[AutoScalingGroup], None]]] = []
        if self._can_lose(group):
            possible += [("killed", self._kill), ("stopped", self._stop), ("failing health", self._sicken)]
        if self._scales(group) and self.at_rest():
            possible += [("scaled", self._scale), ("policy", self._execute_policy)]
            possible += [("terminated", self._terminate)] if group.desired > max(group.minimum, 2) else []
        if not possible or self.chance.random() < 0.2:
            possible = [("an alarm", self._alarm)]
        what, act = self.chance.choice(possible)
        act(group)
        self.acted.append((self.phase, what))

    # -- what ------------------------------------------------------------------------------------

    def _kill(self, group: AutoScalingGroup) -> None:
        self.move.ask("ec2.terminate_instances", InstanceIds=[self._victim(group)])

    def _stop(self, group: AutoScalingGroup) -> None:
        self.move.ask("ec2.stop_instances", InstanceIds=[self._victim(group)])

    def _sicken(self, group: AutoScalingGroup) -> None:
        member = self._victim(group)
        asked = {"InstanceId": member, "HealthStatus": "Unhealthy", "ShouldRespectGracePeriod": False}
        self.move.ask("autoscaling.set_instance_health", **asked)

    def _scale(self, group: AutoScalingGroup) -> None:
        wanted = self.chance.choice([group.desired - 1, group.desired + 1, group.desired + 2])
        wanted = max(group.minimum, 2, min(wanted, group.maximum))
        self.hits += max(0, group.desired - wanted)
        self.move.ask("autoscaling.set_desired_capacity", AutoScalingGroupName=group.name, DesiredCapacity=wanted)

    def _execute_policy(self, group: AutoScalingGroup) -> None:
        name, value, threshold = self.chance.choice([("web-out", 95.0, 70.0), ("web-in", 5.0, 20.0)])
        self.hits += name == "web-in"
        asked = {"AutoScalingGroupName": group.name, "PolicyName": name}
        self.move.ask("autoscaling.execute_policy", **asked, MetricValue=value, BreachThreshold=threshold)

    def _alarm(self, group: AutoScalingGroup) -> None:
        """Busy or idle: nothing comes of it where the group is frozen."""
        name = "web-idle" if self.at_rest() and self.chance.random() < 0.5 else "web-busy"
        self.hits += name == "web-idle"
        for alarm in self.move.ask("cloudwatch.describe_alarms", AlarmNamePrefix=name)["MetricAlarms"]:
            for state in ("OK", "ALARM", "OK"):
                asked = {"AlarmName": alarm["AlarmName"], "StateValue": state, "StateReason": "unrest"}
                self.move.ask("cloudwatch.set_alarm_state", **asked)

    def _terminate(self, group: AutoScalingGroup) -> None:
        asked = {"InstanceId": self._victim(group), "ShouldDecrementDesiredCapacity": True}
        self.move.ask("autoscaling.terminate_instance_in_auto_scaling_group", **asked)

    def _victim(self, group: AutoScalingGroup) -> str:
        member = self.chance.choice(sorted({each.instance_id for each in group.in_service} - self.doomed))
        self.doomed.add(member)
        self.hits += 1
        return member

    # -- what it can bear ------------------------------------------------------------------------

    def _scales(self, group: AutoScalingGroup) -> bool:
        """Whether anybody may change its size: not between freeze and thaw, which is told beforehand."""
        if group is self.move.group():
            return self.move.state("freeze") == "pending"
        return self.move.state("thaw") == "succeeded"

    def _can_lose(self, group: AutoScalingGroup) -> bool:
        """Whether somebody still serves everywhere when one more member is gone; all sorts of things take their time,
        so that two at once is the most."""
        balancers = [one for one in self.move.place.table(LoadBalancer).values() if one.in_service_ids]
        left = [set(one.in_service_ids) - self.doomed for one in balancers]
        left.append({each.instance_id for each in group.in_service} - self.doomed)
        return self.hits < 2 and min(map(len, left)) > 1

    def at_rest(self) -> bool:
        """Each group has its members, in service wherever they should be; what was hit before is made up for."""
        for group in (self.move.group(), self.move.new_group):
            if group is None:
                continue
            if len(group.members) != group.desired or len(group.in_service) != group.desired:
                return False
            members = {each.instance_id for each in group.in_service}
            if members & self.doomed or any(not members <= one for one in self._expected_behind(group)):
                return False
        if self.move.state("drain") not in ("pending", "succeeded"):
            return False
        self.hits, self.baseline = 0, len(self._sizing().in_service)
        return True

    def _expected_behind(self, group: AutoScalingGroup) -> list[set[str]]:
        """Whom the load balancers have in service that the group's members should be behind."""
        table, twin = self.move.place.table(LoadBalancer), self.move.twin_balancer
        found = [table[name] for name in group.load_balancers]
        if twin and group is self.move.group() and self._registered():
            found.append(twin)
        return [set(one.in_service_ids) for one in found]

    def _sizing(self) -> AutoScalingGroup:
        """The group whose size counts: the old one until it is drained."""
        new = self.move.new_group
        return new if new and self.move.state("drain") == "succeeded" else self.move.group()

    def _registered(self) -> bool:
        return self.move.state("register_members") == "succeeded" and self.move.state("drain") == "pending"

    # -- what must be true -----------------------------------------------------------------------

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.at_rest()
            self._look_for_strays()

    def _look_for_strays(self) -> None:
        """Nobody who has been in service for a while, and was not hit, is left unlinked or unregistered."""
        move, now = self.move, self.move.bench.world.clock.now()
        linked = move.state("link_members") == "succeeded" and move.state("drain") == "pending"
        twins = self._link_groups()
        for group in (move.group(), move.new_group):
            for member in group.in_service if group else ():
                since = (now - member.since).total_seconds() if member.since else 0.0
                if since < SOON or member.instance_id in self.doomed or self._draining():
                    continue
                link = move.link_of(member.instance_id)
                if group is move.group() and linked and not (link and set(link.group_ids) == twins):
                    self._say(f"{member.instance_id} is in service and not linked: {link}")
                for behind in self._expected_behind(group) if group else ():
                    if member.instance_id not in behind:
                        self._say(f"{member.instance_id} of {group.name if group else ''} is not behind everything")

    def _draining(self) -> bool:
        return self.move.state("drain") == "running"

    def _link_groups(self) -> set[str]:
        found = self.move.counterparts
        return {found[f"security_group:{each}"] for each in self._classic_groups() if f"security_group:{each}" in found}

    def _classic_groups(self) -> list[str]:
        resource = next(each for each in self.move.inventory.of("auto_scaling_group") if each.name == "web")
        return list(resource.facts["groups"])

    def _look(self, world: World) -> None:
        """After every change: never both scale; and there is as much as there was, but for what was hit."""
        groups = [group for group in (self.move.group(), self.move.new_group) if group]
        if sum(group.maximum > 0 and any(map(group.runs, SCALING)) for group in groups) > 1:
            self._say("both groups scale")
        if self.move.plan.strategy != "incremental":
            return
        members = {each.instance_id for group in groups for each in group.in_service if self._lives(each.instance_id)}
        own = sum(len(self._let_go(group)) for group in groups)
        for balancer in self.move.balancers_called():
            serve = len(members & set(balancer.in_service_ids))
            if serve < self.baseline - self.hits - own:
                self._say(f"{serve} serve behind {balancer.name} of {self.baseline}, {self.hits} hit")

    def _let_go(self, group: AutoScalingGroup) -> set[str]:
        """Whom a group that is not being drained lets go by itself, to balance its zones: as soon as a newcomer is in
        service for it, which may be before it is for the load balancer."""
        return {each.instance_id for each in group.members.values() if group.maximum and each.terminating} - self.doomed

    def _lives(self, instance_id: str) -> bool:
        return self.move.place.table(Instance)[instance_id].state == "running"

    def _say(self, what: str) -> None:
        self.wrong.append(f"{self.move.bench.world.clock.now():%H:%M:%S} {self.phase}: {what}")

"""The account is looked at again before each step: what somebody changed after the plan halts the job there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from app.execution.executor import Outcome
from app.execution.journal import Entry, MemoryJournal
from app.execution.states import StepState
from app.execution.step import EVERYTHING
from app.jobs.guard import Accepted
from app.planning.inventory import Inventory, Json, Ref
from app.planning.plan import Plan, PlannedStep, Strategy
from app.resources import all_kinds
from app.resources.discovery import discover
from app.resources.drift import GONE, differences
from tests.kit import corner_shop
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.forked import apart
from tests.kit.undone import unrestored

Hand = Callable[["Shop"], None]


class Watched(MemoryJournal):
    """Somebody's hand in the account, at the moment when a step ends."""

    def __init__(self, after: str, hand: Callable[[], None]) -> None:
        super().__init__()
        self._after = after
        self._hand = hand
        self.reached = False

    async def move(self, step: PlannedStep, to: StepState, **told: Any) -> None:
        await super().move(step, to, **told)
        if to == "succeeded" and step.id.startswith(self._after) and not self.reached:
            self.reached = True
            self._hand()


class Shop:
    """The corner shop with a plan; `named` finds what stands in Classic by kind and name."""

    def __init__(self, strategy: Strategy = "incremental") -> None:
        self.bench, target = corner_shop.bench()
        self.bench.past_the_wire()
        self.inventory: Inventory = self.bench.discover()
        self.plan: Plan = self.bench.plan(target, strategy, inventory=self.inventory)

    def hand(self, service: str) -> Any:
        make: Any = self.bench.boto.client
        return make(service)

    def ref(self, kind: str) -> Ref:
        """The one that the tests lay hands on; of several, the one with the name."""
        names = {"security_group": "web", "instance": "lone"}
        [found] = [
            each.ref
            for each in self.inventory.of(kind)
            if each.platform == "classic" and each.name == names.get(kind, each.name)
        ]
        return found

    def moves(self, after: str, hand: Hand) -> tuple[Outcome, Watched]:
        """The job, with the hand in the account once a step whose id begins so has ended."""
        journal = Watched(after, lambda: hand(self))
        outcome, _ = self.bench.execute(self.plan, journal)
        assert journal.reached
        return outcome, journal


def drifted(journal: MemoryJournal) -> dict[str, Mapping[str, Json]]:
    """By step, the errors of those that halted for drift."""
    return {
        id_: line.error
        for id_, line in journal.lines.items()
        if line.state == "failed" and line.error and line.error["code"] == "drifted"
    }


def told(journal: MemoryJournal) -> set[tuple[str, str]]:
    """Which facts of what the job halted for."""
    changed = (each for error in drifted(journal).values() for each in error["changed"])
    return {(each["ref"], each.get("fact", "gone")) for each in changed}


def opened(shop: Shop, port: int) -> Mapping[str, Any]:
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
    return {"GroupId": shop.ref("security_group").id, "IpPermissions": [rule]}


def open_port(shop: Shop, port: int = 9) -> None:
    shop.hand("ec2").authorize_security_group_ingress(**opened(shop, port))


def close_port(shop: Shop, port: int = 9) -> None:
    shop.hand("ec2").revoke_security_group_ingress(**opened(shop, port))


def attach_volume(shop: Shop) -> None:
    instance = shop.ref("instance")
    zone = next(each.facts["zone"] for each in shop.inventory if each.ref == instance)
    volume = shop.hand("ec2").create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    shop.bench.world.clock.advance(30)
    shop.hand("ec2").attach_volume(VolumeId=volume, InstanceId=instance.id, Device="/dev/sdz")


def add_listener(shop: Shop) -> None:
    balancer = shop.ref("load_balancer")
    listener = {"Protocol": "TCP", "LoadBalancerPort": 8443, "InstancePort": 80}
    shop.hand("elb").create_load_balancer_listeners(LoadBalancerName=balancer.id, Listeners=[listener])


def resize_database(shop: Shop) -> None:
    database = shop.ref("rds_instance")
    shop.bench.world.clock.advance(1_200)  # until its snapshot is taken
    shop.hand("rds").modify_db_instance(
        DBInstanceIdentifier=database.id, DBInstanceClass="db.m3.large", ApplyImmediately=True
    )
    shop.bench.world.clock.advance(1_800)


def take_address(shop: Shop) -> None:
    address = shop.ref("elastic_ip")
    shop.hand("ec2").disassociate_address(PublicIp=address.id)


def double_group(shop: Shop) -> None:
    group = shop.ref("auto_scaling_group")
    shop.hand("autoscaling").suspend_processes(AutoScalingGroupName=group.id, ScalingProcesses=["AZRebalance"])


@dataclass(frozen=True)
class Case:
    after: str
    hand: Hand
    kind: str
    fact: str


CASES = [
    Case("security_group.authorize/", open_port, "security_group", "rules"),
    Case("classic_link.confirm/", attach_volume, "instance", "block_devices"),
    Case("load_balancer.create/", add_listener, "load_balancer", "listeners"),
    Case("classic_link.confirm/", resize_database, "rds_instance", "class"),
    Case("load_balancer.create/", take_address, "elastic_ip", "instance"),
    Case("auto_scaling_group.switch_configuration/", double_group, "auto_scaling_group", "suspended"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.hand.__name__ for case in CASES])
def test_the_first_step_that_relies_on_what_was_changed_does_not_begin(case: Case) -> None:
    shop = Shop()
    outcome, journal = shop.moves(case.after, case.hand)

    assert outcome == "halted"
    assert told(journal) == {(str(shop.ref(case.kind)), case.fact)}
    for id_, error in drifted(journal).items():
        assert (id_, "running") not in journal.trace
        assert error["planning_anew"] == "would_not_do"


def test_what_is_gone_is_told_to_be_gone() -> None:
    shop = Shop()

    def terminate(shop: Shop) -> None:
        shop.hand("ec2").terminate_instances(InstanceIds=[shop.ref("instance").id])
        shop.bench.world.clock.advance(120)

    outcome, journal = shop.moves("security_group.create/", terminate)

    assert outcome == "halted"
    assert (str(shop.ref("instance")), "gone") in told(journal)


def test_put_back_as_it_was_and_tried_again_the_job_ends_as_planned() -> None:
    shop = Shop()
    _, journal = shop.moves("security_group.authorize/", open_port)

    close_port(shop)

    assert again(shop, journal) == "succeeded"


def test_what_a_person_has_accepted_is_no_drift_and_anything_else_still_is() -> None:
    shop = Shop()
    _, journal = shop.moves("security_group.authorize/", open_port)
    (error, *_) = drifted(journal).values()
    accepted: Any = {each["ref"]: {each["fact"]: each["digest"]} for each in error["changed"]}

    assert again(shop, journal, accepted, hand=close_port_and_open_another) == "halted"
    assert again(shop, journal, accepted, hand=open_port_again) == "succeeded"


def close_port_and_open_another(shop: Shop) -> None:
    close_port(shop)
    open_port(shop, 11)


def open_port_again(shop: Shop) -> None:
    close_port(shop, 11)
    open_port(shop)


def again(shop: Shop, journal: MemoryJournal, accepted: Accepted | None = None, hand: Hand | None = None) -> str:
    """What failed is tried again, as the API has it."""
    if hand:
        hand(shop)
    for id_, line in list(journal.lines.items()):
        if line.state == "failed":
            journal.lines[id_] = Entry(attempt=line.attempt)
    shop.bench.accepted = accepted or {}
    outcome, _ = shop.bench.execute(shop.plan, MemoryJournal(journal.lines))
    return outcome


def test_tags_and_what_the_plan_does_not_touch_may_change() -> None:
    shop = Shop()

    def tag_and_add(shop: Shop) -> None:
        ec2 = shop.hand("ec2")
        ec2.create_tags(Resources=[shop.ref("instance").id], Tags=[{"Key": "backup", "Value": "x"}])
        ec2.create_security_group(GroupName="another", Description="of somebody else")

    outcome, journal = shop.moves("security_group.authorize/", tag_and_add)

    assert (outcome, drifted(journal)) == ("succeeded", {})


def test_a_job_that_drifted_is_undone_and_leaves_what_somebody_changed() -> None:
    shop = Shop()
    before = account(shop.bench.look)
    _, journal = shop.moves("load_balancer.create/", take_address)
    address = shop.ref("elastic_ip")
    holder = next(each.facts["instance"] for each in shop.inventory if each.ref == address)

    assert shop.bench.undo(shop.plan, journal) == "undone"

    assert unrestored(before, account(shop.bench.look)) != []
    shop.hand("ec2").associate_address(PublicIp=address.id, InstanceId=holder)
    assert unrestored(before, account(shop.bench.look)) == []


def test_finalize_looks_again_as_well() -> None:
    shop = Shop()
    outcome, executed = shop.bench.execute(shop.plan)
    assert outcome == "succeeded"
    shop.bench.world.clock.advance(1_000)
    add_listener(shop)

    outcome, journal = shop.bench.finalize(shop.plan, executed)

    assert outcome == "halted"
    assert told(journal) == {(str(shop.ref("load_balancer")), "listeners")}


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_whatever_a_step_says_to_alter_it_alters(strategy: Strategy) -> None:
    """Too much said would hide what somebody else did. That nothing is missing is shown by every move that ends."""
    assert apart(lambda: sorted(map(str, said_in_vain(Shop(strategy))))) == []


def said_in_vain(shop: Shop) -> Iterator[tuple[str, str, str]]:
    seen = Seeing(shop.bench, shop.inventory)
    outcome, _ = shop.bench.execute(shop.plan, seen)
    assert outcome == "succeeded"
    for action in {step.action for step in shop.plan.steps if step.phase != "finalize"}:
        for kind, facts in shop.bench.actions()[action].alters.items():
            changed = {fact for of, fact in seen.changed[action] if of == kind}
            wanted = facts - UNSEEN.get(action, frozenset())
            if facts >= EVERYTHING:
                if not changed:
                    yield action, kind, "everything"
            else:
                yield from ((action, kind, fact) for fact in wanted - changed)


# The group's own schedule changes its bounds, so nobody looks at them here.
UNSEEN: Mapping[str, frozenset[str]] = {"auto_scaling_group.drain": frozenset({"min", "max"})}


class Seeing(MemoryJournal):
    """After each step of an action: what is other than before, by kind and fact."""

    def __init__(self, bench: Bench, before: Inventory) -> None:
        super().__init__()
        self._bench = bench
        self._before = before
        self.changed: dict[str, set[tuple[str, str]]] = {}

    async def move(self, step: PlannedStep, to: StepState, **told: Any) -> None:
        await super().move(step, to, **told)
        if to == "succeeded":
            now = await discover(self._bench.cloud, all_kinds())
            refs = [each.ref for each in self._before]
            found = differences(refs, self._before, now, all_kinds())
            self.changed.setdefault(step.action, set()).update((each.ref.kind, each.fact or GONE) for each in found)

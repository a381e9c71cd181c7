"""What steps and kinds declare that they call is what they call: no less, or a role with the permissions made from it
would be refused in the middle of a move, and no more, or the role could do what nothing needs."""

from functools import cache

import pytest

from app.execution.pacing import is_read
from app.resources import all_kinds
from app.resources.discovery import discover
from sandbox.virtual_time import run
from tests.kit.noted_moves import APPLICATIONS, WAYS, prepared, there_and_back, there_for_good
from tests.kit.noting import Notes, NotingBench, NotingCloud

LATE_USERS = ("autoscaling.describe_auto_scaling_groups", "rds.describe_db_instances")
# What only happens where something else happens at the same moment, or a person has prepared it so.
RARE = {
    # AWS has started and linked a member after the group was switched, and the switch is undone.
    ("auto_scaling_group.switch_configuration", "ec2.detach_classic_link_vpc"),
    # Undone where the group's own launch configuration does not link its members.
    ("auto_scaling_group.drain", "ec2.attach_classic_link_vpc"),
    ("auto_scaling_group.drain", "ec2.describe_instances"),
    # The last move of the address is still under way when it is undone.
    ("elastic_ip.move", "ec2.describe_moving_addresses"),
    # A member of a load balancer that is rebooted for its image.
    ("instance.image", "elb.describe_instance_health"),
    # A source that cannot be stopped.
    ("instance.terminate", "ec2.describe_addresses"),
    # A source with an address of its own that was not moved along with it.
    ("instance.retire", "ec2.associate_address"),
    # A source that is protected from deletion.
    ("rds_instance.delete_source", "rds.modify_db_instance"),
    # Somebody launches into a group or lets it into a database again, right before finalize.
    *((f"security_group.{end}", call) for end in ("clear", "delete") for call in LATE_USERS),
    # A finalize step that failed half way.
    ("security_group.clear", "ec2.authorize_security_group_ingress"),
}


@cache
def called() -> dict[str, set[str]]:
    """By action: every operation that it called, over all applications, strategies and ways."""
    notes = Notes()
    for application in APPLICATIONS:
        for strategy, new_vpc in WAYS:
            for journey in (there_and_back, there_for_good):
                journey(*prepared(application, strategy, new_vpc, notes))
    return notes.calls


@cache
def benches() -> list[NotingBench]:
    """Each application, to be looked at."""
    return [prepared(application, "incremental", False, Notes())[0] for application in APPLICATIONS]


def declared() -> dict[str, set[str]]:
    return {step.action: set(step.calls) for kind in all_kinds().values() for step in kind.steps}


def test_no_step_calls_what_it_does_not_declare() -> None:
    undeclared = {action: calls - declared()[action] for action, calls in called().items()}
    assert {action: calls for action, calls in undeclared.items() if calls} == {}


def test_no_step_declares_what_it_never_calls_but_for_what_is_rare() -> None:
    never = {(action, call) for action, calls in declared().items() for call in calls - called()[action]}
    assert never == RARE


@pytest.mark.parametrize("name", sorted(all_kinds()))
def test_a_kind_reads_just_what_it_declares_to_discover(name: str) -> None:
    notes = Notes()
    for bench in benches():
        cloud = NotingCloud(bench.cloud, name, notes)
        run(bench.world, discover(cloud, {name: all_kinds()[name]}))
    assert notes.calls[name] == all_kinds()[name].reads


def test_discovering_and_what_is_allowed_for_the_region_as_a_whole_is_reading() -> None:
    assert [call for kind in all_kinds().values() for call in kind.reads if not is_read(call)] == []

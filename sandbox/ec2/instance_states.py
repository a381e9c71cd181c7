"""An instance's states, and what each change does to its addresses, its link and its volumes."""

from collections.abc import Callable
from datetime import timedelta

from sandbox.ec2.addresses import address_of, drop_association
from sandbox.ec2.classic_link import ClassicLink
from sandbox.ec2.instances import Instance
from sandbox.ec2.public_pool import new_classic_ip, new_public_ip
from sandbox.ec2.tags import drop_tags
from sandbox.ec2.volume_attachments import let_go_of_volumes
from sandbox.world import Place

REMEMBERED_FOR = 3600.0  # seconds that a terminated instance is still described

# Where an instance may go from each state; a refusal or a silent success is the caller's to decide.
MOVES: dict[str, set[str]] = {
    "pending": {"running", "stopping", "shutting-down"},
    "running": {"stopping", "shutting-down"},
    "stopping": {"stopped", "shutting-down"},
    "stopped": {"pending", "shutting-down"},
    "shutting-down": {"terminated"},
    "terminated": set(),
}


def _move(place: Place, instance: Instance, to: str) -> None:
    if to not in MOVES[instance.state]:
        raise ValueError(f"instance {instance.id} cannot go from {instance.state} to {to}")
    instance.state = to
    place.changed()


def _later(place: Place, instance: Instance, seconds: float, action: Callable[[Place, Instance], None]) -> None:
    """What ends the transition under way; a later transition takes its place."""
    if instance.timer is not None:
        instance.timer.cancel()
    instance.timer = place.clock.after(seconds, lambda: action(place, instance))


def begin_running(place: Place, instance: Instance) -> None:
    """From new or stopped: pending now, running after a while."""
    if instance.state != "pending":
        _move(place, instance, "pending")
    instance.launch_time = place.clock.now()
    instance.transition_reason, instance.state_reason = "", None
    _later(place, instance, place.durations.instance_start, _running)


def _running(place: Place, instance: Instance) -> None:
    """EC2-Classic gives new addresses at every start; a VPC's private one stays (aws-facts A4, PLAT)."""
    if instance.in_classic:
        instance.private_ip = new_classic_ip(place)
    give_public_ip(place, instance)
    instance.running_since, instance.rebooting_until = place.clock.now(), None
    _move(place, instance, "running")


def give_public_ip(place: Place, instance: Instance) -> None:
    """Its Elastic IP if it has one, else a new one if it gets one at all."""
    elastic = address_of(place, instance.id)
    if elastic is not None:
        instance.public_ip = elastic.public_ip
    else:
        instance.public_ip = new_public_ip(place) if instance.gives_public_ip else None


def begin_stopping(place: Place, instance: Instance) -> None:
    """Unlinks, and in EC2-Classic drops the Elastic IP: it does not come back (aws-facts A1, A3)."""
    _lose_link(place, instance)
    if instance.in_classic:
        _lose_elastic_ip(place, instance)
    _say_why(place, instance)
    _move(place, instance, "stopping")
    _later(place, instance, place.durations.instance_stop, _stopped)


def _stopped(place: Place, instance: Instance) -> None:
    if instance.in_classic:
        instance.private_ip = ""
    elastic = address_of(place, instance.id)
    instance.public_ip = elastic.public_ip if elastic else None
    instance.running_since = None
    _move(place, instance, "stopped")


def begin_terminating(place: Place, instance: Instance) -> None:
    _lose_link(place, instance)
    _lose_elastic_ip(place, instance)
    _say_why(place, instance)
    _move(place, instance, "shutting-down")
    _later(place, instance, place.durations.instance_terminate, _terminated)


def _terminated(place: Place, instance: Instance) -> None:
    let_go_of_volumes(place, instance)
    instance.private_ip, instance.public_ip, instance.running_since = "", None, None
    _move(place, instance, "terminated")
    _later(place, instance, REMEMBERED_FOR, _forgotten)


def _forgotten(place: Place, instance: Instance) -> None:
    place.table(Instance).pop(instance.id, None)
    drop_tags(place, instance.id)


def begin_reboot(place: Place, instance: Instance) -> None:
    """Nobody answers for a while; addresses, volumes and ClassicLink stay (aws-facts A1)."""
    seconds = place.durations.instance_reboot
    instance.rebooting_until = place.clock.now() + timedelta(seconds=seconds)
    place.changed()
    place.clock.after(seconds, place.changed)


def _lose_link(place: Place, instance: Instance) -> None:
    place.table(ClassicLink).pop(instance.id, None)


def _lose_elastic_ip(place: Place, instance: Instance) -> None:
    elastic = address_of(place, instance.id)
    if elastic is not None:
        drop_association(elastic)
        instance.public_ip = None


def _say_why(place: Place, instance: Instance) -> None:
    code = "Client.UserInitiatedShutdown"
    instance.state_reason = (code, f"{code}: User initiated shutdown")
    instance.transition_reason = f"User initiated ({place.clock.now():%Y-%m-%d %H:%M:%S} GMT)"

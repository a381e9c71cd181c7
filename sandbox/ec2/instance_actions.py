"""Starting, stopping, rebooting, terminating and monitoring instances."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.instance_describing import state_view
from sandbox.ec2.instance_states import begin_reboot, begin_running, begin_stopping, begin_terminating
from sandbox.ec2.instances import Instance, named_instances, refuse_state
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


def _change(instance: Instance, before: str) -> dict[str, Any]:
    return {
        "InstanceId": instance.id,
        "PreviousState": state_view(before),
        "CurrentState": state_view(instance.state),
    }


@operation("ec2", "StartInstances")
def start_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """One that runs already is left alone. Raises IncorrectInstanceState, also without a root volume."""
    instances = named_instances(place, request["InstanceIds"])
    for instance in instances:
        if instance.state not in ("pending", "running", "stopped"):
            raise refuse_state(instance, "started")
        if instance.state == "stopped" and not _has_root(instance):
            raise AwsError(
                "IncorrectInstanceState",
                f"Invalid value '{instance.id}' for instanceId. Instance does not have a volume attached at "
                f"root ({instance.root_device_name})",
            )
    changes = []
    for instance in instances:
        before = instance.state
        if before == "stopped":
            begin_running(place, instance)
        changes.append(_change(instance, before))
    return {"StartingInstances": changes}


def _has_root(instance: Instance) -> bool:
    return any(device.device_name == instance.root_device_name for device in instance.block_devices)


@operation("ec2", "StopInstances")
def stop_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Never terminates, whatever the shutdown behaviour. Raises UnsupportedOperation for an instance-store
    root (aws-facts A4), IncorrectInstanceState."""
    instances = named_instances(place, request["InstanceIds"])
    for instance in instances:
        if instance.root_device_type != "ebs":
            raise AwsError(
                "UnsupportedOperation",
                f"The instance '{instance.id}' does not have an 'ebs' root device type and cannot be stopped.",
            )
        if instance.state not in ("pending", "running", "stopping", "stopped"):
            raise refuse_state(instance, "stopped")
    changes = []
    for instance in instances:
        before = instance.state
        if before in ("pending", "running"):
            begin_stopping(place, instance)
        changes.append(_change(instance, before))
    return {"StoppingInstances": changes}


@operation("ec2", "RebootInstances")
def reboot_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    instances = named_instances(place, request["InstanceIds"])
    for instance in instances:
        if instance.state not in ("pending", "running"):
            raise refuse_state(instance, "rebooted")
    for instance in instances:
        if instance.state == "running":
            begin_reboot(place, instance)
    return {}


@operation("ec2", "TerminateInstances")
def terminate_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent. Raises OperationNotPermitted when one is protected: then none of them goes."""
    instances = named_instances(place, request["InstanceIds"])
    for instance in instances:
        if instance.termination_protection and instance.state not in ("shutting-down", "terminated"):
            raise AwsError(
                "OperationNotPermitted",
                f"The instance '{instance.id}' may not be terminated. Modify its 'disableApiTermination' "
                "instance attribute and try again.",
            )
    changes = []
    for instance in instances:
        before = instance.state
        if before not in ("shutting-down", "terminated"):
            begin_terminating(place, instance)
        changes.append(_change(instance, before))
    return {"TerminatingInstances": changes}


@operation("ec2", "MonitorInstances")
def monitor_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _monitor(place, request, True)


@operation("ec2", "UnmonitorInstances")
def unmonitor_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _monitor(place, request, False)


def _monitor(place: Place, request: Mapping[str, Any], enabled: bool) -> dict[str, Any]:
    instances = named_instances(place, request["InstanceIds"])
    for instance in instances:
        instance.monitoring = enabled
    state = "enabled" if enabled else "disabled"
    return {"InstanceMonitorings": [{"InstanceId": each.id, "Monitoring": {"State": state}} for each in instances]}

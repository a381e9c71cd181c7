"""Registering instances with a load balancer, and what it says of their health."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.ec2.classic_link import ClassicLink
from sandbox.ec2.instances import Instance
from sandbox.elb.load_balancers import LoadBalancer, Member, find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("elb", "RegisterInstancesWithLoadBalancer")
def register_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Takes effect later: the answer lists the members, who are out of service until checked."""
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    wanted = _ids(request)
    for instance_id in wanted:
        _refuse_a_stranger(place, balancer, _instance(place, instance_id))
    for instance_id in wanted:
        balancer.draining.discard(instance_id)
        if instance_id not in balancer.members:
            member = balancer.members[instance_id] = Member(instance_id)
            member.timer = place.clock.after(place.durations.elb_register, partial(_registered, place, member))
    place.changed()
    return _instances(balancer)


@operation("elb", "DeregisterInstancesFromLoadBalancer")
def deregister_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Set-like: what is not registered is passed over. With draining on, a member leaves later."""
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    for instance_id in _ids(request):
        member = balancer.members.pop(instance_id, None)
        if member is None:
            _instance(place, instance_id)
            continue
        if member.timer:
            member.timer.cancel()
        draining = balancer.attributes["ConnectionDraining"]
        if draining["Enabled"] and member.in_service:
            balancer.draining.add(instance_id)
            place.clock.after(
                min(draining["Timeout"], place.durations.elb_drain),
                partial(_drained, place, balancer, instance_id),
            )
    place.changed()
    return _instances(balancer)


@operation("elb", "DescribeInstanceHealth")
def describe_instance_health(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    wanted = _ids(request) or [*balancer.members, *sorted(balancer.draining)]
    return {"InstanceStates": [_state(place, balancer, instance_id) for instance_id in wanted]}


def _drained(place: Place, balancer: LoadBalancer, instance_id: str) -> None:
    balancer.draining.discard(instance_id)
    place.changed()


def _registered(place: Place, member: Member) -> None:
    member.registered, member.timer = True, None
    place.changed()


def _ids(request: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(one["InstanceId"] for one in request.get("Instances") or []))


def _instance(place: Place, instance_id: str) -> Instance:
    instance = place.seen(Instance).get(instance_id)
    if instance is None:
        raise AwsError("InvalidInstance", f"Could not find EC2 instance {instance_id}.")
    return instance


def _refuse_a_stranger(place: Place, balancer: LoadBalancer, instance: Instance) -> None:
    """A Classic load balancer takes Classic instances alone; one in a VPC takes the VPC's own, and
    Classic instances linked to the VPC in whose zone it has a subnet. aws-facts A1
    """
    if instance.state in ("shutting-down", "terminated"):
        raise AwsError("InvalidInstance", f"EC2 instance {instance.id} is terminated.")
    if instance.vpc_id == balancer.vpc_id:
        return
    if balancer.vpc_id is None or instance.vpc_id is not None:
        raise AwsError("InvalidInstance", f"EC2 instance {instance.id} is not in the same VPC as load balancer.")
    link = place.table(ClassicLink).get(instance.id)
    if link is None or link.vpc_id != balancer.vpc_id:
        raise AwsError("InvalidInstance", f"EC2 instance {instance.id} is not linked to {balancer.vpc_id}.")
    if instance.zone not in balancer.zones:
        raise AwsError(
            "InvalidInstance",
            f"EC2 instance {instance.id} is in {instance.zone}, where {balancer.name} has no subnet.",
        )


def _instances(balancer: LoadBalancer) -> dict[str, Any]:
    return {"Instances": [{"InstanceId": instance_id} for instance_id in balancer.members]}


def _state(place: Place, balancer: LoadBalancer, instance_id: str) -> dict[str, Any]:
    member = balancer.members.get(instance_id)
    if member is not None:
        state, code, text = member.in_service, member.reason_code, member.description
    elif instance_id in balancer.draining:
        state, code, text = True, "N/A", "Instance deregistration currently in progress."
    else:
        _instance(place, instance_id)
        state, code, text = False, "Instance", "Instance is not currently registered with the LoadBalancer."
    return {
        "InstanceId": instance_id,
        "State": "InService" if state else "OutOfService",
        "ReasonCode": code,
        "Description": text,
    }

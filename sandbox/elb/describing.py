"""How load balancers are described."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.groups import ELB_GROUP, ELB_OWNER, SecurityGroup
from sandbox.elb.load_balancers import HealthCheck, Listener, LoadBalancer, find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

HOSTED_ZONE_ID = "Z35SXDOTRQ7X7K"
PAGE_SIZE = 400


@operation("elb", "DescribeLoadBalancers")
def describe_load_balancers(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    named = request.get("LoadBalancerNames")
    if named:
        return {"LoadBalancerDescriptions": [_view(place, find_load_balancer(place, n)) for n in named]}
    size = int(request.get("PageSize") or PAGE_SIZE)
    if not 1 <= size <= PAGE_SIZE:
        raise AwsError("ValidationError", f"PageSize must be between 1 and {PAGE_SIZE}")
    after = request.get("Marker") or ""
    rest = [b for name, b in sorted(place.seen(LoadBalancer).items()) if name > after]
    answer: dict[str, Any] = {"LoadBalancerDescriptions": [_view(place, b) for b in rest[:size]]}
    if len(rest) > size:
        answer["NextMarker"] = rest[size - 1].name
    return answer


def _view(place: Place, balancer: LoadBalancer) -> dict[str, Any]:
    view: dict[str, Any] = {
        "LoadBalancerName": balancer.name,
        "DNSName": balancer.dns_name,
        "CanonicalHostedZoneNameID": HOSTED_ZONE_ID,
        "ListenerDescriptions": [_listener_view(listener) for listener in balancer.listeners],
        "Policies": _policies_view(balancer),
        "BackendServerDescriptions": [
            {"InstancePort": port, "PolicyNames": list(names)}
            for port, names in sorted(balancer.backend_policies.items())
        ],
        "AvailabilityZones": list(balancer.zones),
        "Subnets": list(balancer.subnets),
        "Instances": [{"InstanceId": instance_id} for instance_id in balancer.members],
        "HealthCheck": health_check_view(balancer.health_check),
        "SourceSecurityGroup": _source_group(place, balancer),
        "SecurityGroups": list(balancer.group_ids),
        "CreatedTime": balancer.created,
        "Scheme": balancer.scheme,
    }
    if balancer.scheme == "internet-facing":
        view["CanonicalHostedZoneName"] = balancer.dns_name
    if balancer.vpc_id:
        view["VPCId"] = balancer.vpc_id
    return view


def _listener_view(listener: Listener) -> dict[str, Any]:
    view: dict[str, Any] = {
        "Protocol": listener.protocol,
        "LoadBalancerPort": listener.port,
        "InstanceProtocol": listener.instance_protocol,
        "InstancePort": listener.instance_port,
    }
    if listener.certificate_id:
        view["SSLCertificateId"] = listener.certificate_id
    return {"Listener": view, "PolicyNames": list(listener.policy_names)}


def _policies_view(balancer: LoadBalancer) -> dict[str, Any]:
    app, cookie, other = [], [], []
    for policy in balancer.policies.values():
        attributes = dict(policy.attributes)
        if policy.type_name == "AppCookieStickinessPolicyType":
            app.append({"PolicyName": policy.name, "CookieName": attributes.get("CookieName", "")})
        elif policy.type_name == "LBCookieStickinessPolicyType":
            described: dict[str, Any] = {"PolicyName": policy.name}
            if attributes.get("CookieExpirationPeriod"):
                described["CookieExpirationPeriod"] = int(attributes["CookieExpirationPeriod"])
            cookie.append(described)
        else:
            other.append(policy.name)
    return {
        "AppCookieStickinessPolicies": app,
        "LBCookieStickinessPolicies": cookie,
        "OtherPolicies": other,
    }


def health_check_view(check: HealthCheck) -> dict[str, Any]:
    return {
        "Target": check.target,
        "Interval": check.interval,
        "Timeout": check.timeout,
        "UnhealthyThreshold": check.unhealthy_threshold,
        "HealthyThreshold": check.healthy_threshold,
    }


def _source_group(place: Place, balancer: LoadBalancer) -> dict[str, str]:
    """Classic ones share AWS's own group; a VPC one is known by its first group. aws-facts A2"""
    if balancer.vpc_id is None:
        return {"OwnerAlias": ELB_OWNER, "GroupName": ELB_GROUP}
    group = place.table(SecurityGroup).get(balancer.group_ids[0]) if balancer.group_ids else None
    return {"OwnerAlias": place.account_id, "GroupName": group.name if group else ""}

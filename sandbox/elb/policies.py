"""Policies of a load balancer: stickiness, TLS and proxy protocol, on listeners and on back ends."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.elb.listeners import DEFAULT_SECURITY_POLICY, HTTP_LAYER, find_listener
from sandbox.elb.load_balancers import LoadBalancer, Policy, find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

APP_COOKIE = "AppCookieStickinessPolicyType"
LB_COOKIE = "LBCookieStickinessPolicyType"
STICKINESS = {APP_COOKIE, LB_COOKIE}
TYPES = {
    APP_COOKIE: ["CookieName"],
    LB_COOKIE: ["CookieExpirationPeriod"],
    "SSLNegotiationPolicyType": ["Reference-Security-Policy"],
    "PublicKeyPolicyType": ["PublicKey"],
    "BackendServerAuthenticationPolicyType": ["PublicKeyPolicyName"],
    "ProxyProtocolPolicyType": ["ProxyProtocol"],
}
MOST_POLICIES = 100


@operation("elb", "CreateAppCookieStickinessPolicy")
def create_app_cookie(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _create(place, request, APP_COOKIE, [("CookieName", request["CookieName"])])


@operation("elb", "CreateLBCookieStickinessPolicy")
def create_lb_cookie(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    period = request.get("CookieExpirationPeriod")
    attributes = [("CookieExpirationPeriod", str(period))] if period is not None else []
    return _create(place, request, LB_COOKIE, attributes)


@operation("elb", "CreateLoadBalancerPolicy")
def create_policy(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    type_name = request["PolicyTypeName"]
    if type_name not in TYPES:
        raise AwsError("PolicyTypeNotFound", f"Policy Type {type_name} not found")
    attributes = [(one["AttributeName"], one.get("AttributeValue", "")) for one in request.get("PolicyAttributes", [])]
    return _create(place, request, type_name, attributes)


@operation("elb", "DeleteLoadBalancerPolicy")
def delete_policy(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    name = request["PolicyName"]
    in_use = [names for names in balancer.backend_policies.values() if name in names]
    in_use += [one.policy_names for one in balancer.listeners if name in one.policy_names]
    if in_use:
        raise AwsError("InvalidConfigurationRequest", f"Policy {name} is in use by {balancer.name}")
    balancer.policies.pop(name, None)
    return {}


@operation("elb", "DescribeLoadBalancerPolicies")
def describe_policies(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Without a load balancer's name these are AWS's own sample policies."""
    if request.get("LoadBalancerName"):
        policies = find_load_balancer(place, request["LoadBalancerName"]).policies
    else:
        sample = DEFAULT_SECURITY_POLICY
        policies = {sample: Policy(sample, "SSLNegotiationPolicyType", [("Reference-Security-Policy", sample)])}
    names = request.get("PolicyNames") or list(policies)
    return {"PolicyDescriptions": [_view(_find(policies, name)) for name in names]}


@operation("elb", "DescribeLoadBalancerPolicyTypes")
def describe_policy_types(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    names = request.get("PolicyTypeNames") or list(TYPES)
    for name in names:
        if name not in TYPES:
            raise AwsError("PolicyTypeNotFound", f"Policy Type {name} not found")
    return {
        "PolicyTypeDescriptions": [
            {
                "PolicyTypeName": name,
                "PolicyAttributeTypeDescriptions": [
                    {"AttributeName": attribute, "AttributeType": "String"} for attribute in TYPES[name]
                ],
            }
            for name in names
        ]
    }


@operation("elb", "SetLoadBalancerPoliciesOfListener")
def set_listener_policies(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces what the listener had; an empty list takes all away."""
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    listener = find_listener(balancer, request["LoadBalancerPort"])
    policies = _all_found(balancer, request["PolicyNames"])
    sticky = [policy for policy in policies if policy.type_name in STICKINESS]
    if sticky and listener.protocol not in HTTP_LAYER:
        raise AwsError(
            "InvalidConfigurationRequest",
            f"ListenerPolicy {sticky[0].name} needs an HTTP or HTTPS listener, not {listener.protocol}",
        )
    if len(sticky) > 1:
        raise AwsError("InvalidConfigurationRequest", "A listener can have one stickiness policy")
    listener.policy_names = [policy.name for policy in policies]
    return {}


@operation("elb", "SetLoadBalancerPoliciesForBackendServer")
def set_backend_policies(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    port = int(request["InstancePort"])
    if port not in {listener.instance_port for listener in balancer.listeners}:
        raise AwsError("InvalidConfigurationRequest", f"No listener of {balancer.name} uses port {port}")
    names = [policy.name for policy in _all_found(balancer, request["PolicyNames"])]
    if names:
        balancer.backend_policies[port] = names
    else:
        balancer.backend_policies.pop(port, None)
    return {}


def _create(
    place: Place, request: Mapping[str, Any], type_name: str, attributes: list[tuple[str, str]]
) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    name = request["PolicyName"]
    if name in balancer.policies:
        raise AwsError("DuplicatePolicyName", f"Policy {name} already exists for {balancer.name}")
    if len(balancer.policies) >= MOST_POLICIES:
        raise AwsError("TooManyPolicies", f"{balancer.name} has {MOST_POLICIES} policies already")
    balancer.policies[name] = Policy(name, type_name, attributes)
    return {}


def _all_found(balancer: LoadBalancer, names: Sequence[str]) -> list[Policy]:
    return [_find(balancer.policies, name) for name in names]


def _find(policies: Mapping[str, Policy], name: str) -> Policy:
    if name not in policies:
        raise AwsError("PolicyNotFound", f"There is no policy with name {name}")
    return policies[name]


def _view(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyTypeName": policy.type_name,
        "PolicyAttributeDescriptions": [
            {"AttributeName": name, "AttributeValue": value} for name, value in policy.attributes
        ],
    }

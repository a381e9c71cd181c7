"""The health check and the attributes of a load balancer."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from sandbox.elb.describing import health_check_view
from sandbox.elb.load_balancers import HealthCheck, find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_TARGET = re.compile(r"(?P<protocol>TCP|SSL|HTTP|HTTPS):(?P<port>\d{1,5})(?P<path>/.*)?", re.IGNORECASE)
_RANGES = {
    "Interval": (5, 300),
    "Timeout": (2, 60),
    "UnhealthyThreshold": (2, 10),
    "HealthyThreshold": (2, 10),
}


def default_attributes() -> dict[str, Any]:
    """As AWS sets them for a load balancer made by the API."""
    return {
        "CrossZoneLoadBalancing": {"Enabled": False},
        "AccessLog": {"Enabled": False},
        "ConnectionDraining": {"Enabled": False, "Timeout": 300},
        "ConnectionSettings": {"IdleTimeout": 60},
        "AdditionalAttributes": [{"Key": "elb.http.desyncmitigationmode", "Value": "defensive"}],
    }


@operation("elb", "ConfigureHealthCheck")
def configure_health_check(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    wanted = request["HealthCheck"]
    for name, (least, most) in _RANGES.items():
        if not least <= int(wanted[name]) <= most:
            raise AwsError("ValidationError", f"HealthCheck {name} must be between {least} and {most}")
    if int(wanted["Timeout"]) >= int(wanted["Interval"]):
        raise AwsError("ValidationError", "HealthCheck timeout must be less than interval")
    balancer.health_check = HealthCheck(
        _checked_target(wanted["Target"]),
        int(wanted["Interval"]),
        int(wanted["Timeout"]),
        int(wanted["UnhealthyThreshold"]),
        int(wanted["HealthyThreshold"]),
    )
    for member in balancer.members.values():
        member.reachable = None
    place.changed()
    return {"HealthCheck": health_check_view(balancer.health_check)}


@operation("elb", "DescribeLoadBalancerAttributes")
def describe_attributes(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    return {"LoadBalancerAttributes": copy.deepcopy(balancer.attributes)}


@operation("elb", "ModifyLoadBalancerAttributes")
def modify_attributes(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the request names is replaced whole; the rest stays."""
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    wanted = copy.deepcopy(dict(request["LoadBalancerAttributes"]))
    _check(wanted)
    extra = {one["Key"]: one for one in balancer.attributes["AdditionalAttributes"]}
    extra.update({one["Key"]: one for one in wanted.pop("AdditionalAttributes", None) or []})
    balancer.attributes.update(wanted)
    balancer.attributes["AdditionalAttributes"] = list(extra.values())
    return {
        "LoadBalancerName": balancer.name,
        "LoadBalancerAttributes": copy.deepcopy(balancer.attributes),
    }


def _checked_target(target: str) -> str:
    match = _TARGET.fullmatch(target)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise AwsError("ValidationError", f"HealthCheck Target {target} must be PROTOCOL:port[/path]")
    over_http = match["protocol"].upper() in ("HTTP", "HTTPS")
    if over_http != bool(match["path"]):
        word = "must" if over_http else "must not"
        raise AwsError("ValidationError", f"HealthCheck {match['protocol']} Target {word} specify a path")
    return target


def _check(wanted: Mapping[str, Any]) -> None:
    draining = wanted.get("ConnectionDraining")
    if draining and draining["Enabled"]:
        draining.setdefault("Timeout", 300)
        if not 1 <= draining["Timeout"] <= 3600:
            raise AwsError("InvalidConfigurationRequest", "ConnectionDraining Timeout must be 1 to 3600")
    settings = wanted.get("ConnectionSettings")
    if settings and not 1 <= settings["IdleTimeout"] <= 4000:
        raise AwsError("InvalidConfigurationRequest", "ConnectionSettings IdleTimeout must be 1 to 4000")
    log = wanted.get("AccessLog")
    if log and log["Enabled"]:
        if not log.get("S3BucketName"):
            raise AwsError("InvalidConfigurationRequest", "AccessLog needs an S3BucketName")
        log.setdefault("EmitInterval", 60)
        if log["EmitInterval"] not in (5, 60):
            raise AwsError("InvalidConfigurationRequest", "AccessLog EmitInterval must be 5 or 60")

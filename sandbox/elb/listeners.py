"""Listeners: what a load balancer takes in on a port and passes on to its members."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.elb.load_balancers import Listener, LoadBalancer, Policy, find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

HTTP_LAYER = {"HTTP", "HTTPS"}
SECURE = {"HTTPS", "SSL"}
PROTOCOLS = HTTP_LAYER | {"TCP", "SSL"}
CLASSIC_LOW_PORTS = {25, 80, 443, 465, 587}
DEFAULT_SECURITY_POLICY = "ELBSecurityPolicy-2016-08"


def read_listeners(wanted: Sequence[Mapping[str, Any]], in_vpc: bool) -> list[Listener]:
    """Listeners as a request has them, checked one by one."""
    listeners = [_read(one, in_vpc) for one in wanted]
    ports = [listener.port for listener in listeners]
    if len(set(ports)) < len(ports):
        raise AwsError("DuplicateListener", "Two listeners of the request have the same LoadBalancerPort")
    return listeners


def add_listeners(balancer: LoadBalancer, listeners: Sequence[Listener]) -> None:
    """Add them; a secure one is given AWS's default security policy, as AWS does."""
    for listener in listeners:
        if listener.protocol in SECURE:
            name = DEFAULT_SECURITY_POLICY
            balancer.policies.setdefault(
                name,
                Policy(name, "SSLNegotiationPolicyType", [("Reference-Security-Policy", name)]),
            )
            listener.policy_names.append(name)
        balancer.listeners.append(listener)


def find_listener(balancer: LoadBalancer, port: int) -> Listener:
    """The listener on a port of the load balancer. Raises ListenerNotFound."""
    for listener in balancer.listeners:
        if listener.port == port:
            return listener
    raise AwsError("ListenerNotFound", f"{balancer.name} does not have a listener on port {port}")


@operation("elb", "CreateLoadBalancerListeners")
def create_listeners(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    wanted = read_listeners(request["Listeners"], balancer.vpc_id is not None)
    existing = {listener.port: listener for listener in balancer.listeners}
    fresh = []
    for listener in wanted:
        old = existing.get(listener.port)
        if old is None:
            fresh.append(listener)
        elif not _same(old, listener):
            raise AwsError(
                "DuplicateListener",
                f"A listener already exists for {balancer.name} with LoadBalancerPort {listener.port}, "
                "but with a different InstancePort, Protocol, or SSLCertificateId",
            )
    add_listeners(balancer, fresh)
    place.changed()
    return {}


@operation("elb", "DeleteLoadBalancerListeners")
def delete_listeners(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    ports = set(request["LoadBalancerPorts"])
    balancer.listeners = [listener for listener in balancer.listeners if listener.port not in ports]
    place.changed()
    return {}


@operation("elb", "SetLoadBalancerListenerSSLCertificate")
def set_certificate(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    listener = find_listener(balancer, request["LoadBalancerPort"])
    if listener.protocol not in SECURE:
        raise AwsError("InvalidConfigurationRequest", "Only HTTPS and SSL listeners have a certificate")
    listener.certificate_id = _certificate(request["SSLCertificateId"])
    return {}


def _read(one: Mapping[str, Any], in_vpc: bool) -> Listener:
    protocol = str(one["Protocol"]).upper()
    inner = str(one.get("InstanceProtocol") or _default_inner(protocol)).upper()
    for word in (protocol, inner):
        if word not in PROTOCOLS:
            raise AwsError("UnsupportedProtocol", f"{word} is not one of HTTP, HTTPS, TCP, SSL")
    if (protocol in HTTP_LAYER) != (inner in HTTP_LAYER):
        raise AwsError("ValidationError", "Protocol and InstanceProtocol must be of the same layer")
    port, instance_port = int(one["LoadBalancerPort"]), int(one["InstancePort"])
    _check_ports(port, instance_port, in_vpc)
    certificate = one.get("SSLCertificateId")
    if protocol in SECURE and not certificate:
        raise AwsError("ValidationError", "Secure Listeners need to specify a SSLCertificateId")
    if protocol not in SECURE:
        certificate = None
    return Listener(protocol, port, inner, instance_port, _certificate(certificate) if certificate else None)


def _default_inner(protocol: str) -> str:
    return "HTTP" if protocol in HTTP_LAYER else "TCP"


def _check_ports(port: int, instance_port: int, in_vpc: bool) -> None:
    if not 1 <= instance_port <= 65535:
        raise AwsError("ValidationError", f"InstancePort {instance_port} must be between 1 and 65535")
    if in_vpc and not 1 <= port <= 65535:
        raise AwsError("ValidationError", f"LoadBalancerPort {port} must be between 1 and 65535")
    if not in_vpc and port not in CLASSIC_LOW_PORTS and not 1024 <= port <= 65535:
        raise AwsError(
            "ValidationError",
            f"LoadBalancerPort {port} must be one of 25, 80, 443, 465, 587 or 1024-65535 in EC2-Classic",
        )


def _certificate(arn: str) -> str:
    """Certificates live in IAM and ACM, which are not simulated: any ARN of theirs will do."""
    if not arn.startswith(("arn:aws:iam::", "arn:aws:acm:")):
        raise AwsError("CertificateNotFound", f"Server Certificate not found for the key: {arn}")
    return arn


def _same(one: Listener, other: Listener) -> bool:
    return (one.protocol, one.instance_protocol, one.instance_port, one.certificate_id) == (
        other.protocol,
        other.instance_protocol,
        other.instance_port,
        other.certificate_id,
    )

"""AWS's wire protocols, from botocore's models: requests read, answers written.

The one file that knows moto: its protocol parsers and serializers, which are the server's half of what
botocore does for clients.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.model import OperationModel, ServiceModel
from botocore.utils import parse_timestamp
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import Headers, MultiDict

from sandbox.errors import AwsError

SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_PRESIGNED = re.compile(r"([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_SIGNED_AS = {"monitoring": "cloudwatch"}
_LOAD_BALANCER_VERSIONS = {"2012-06-01": "elb", "2015-12-01": "elbv2"}


@dataclass(frozen=True)
class HttpRequest:
    method: str
    url: str  # whole, or path and query
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Asked:
    """A request as understood: what is asked, by which key, of which region."""

    service: str
    operation: str
    region: str
    access_key: str
    params: dict[str, Any] = field(default_factory=dict)
    protocol: str = ""  # the one it came in, where its service speaks several; "" the service's only one

    @property
    def name(self) -> str:
        return f"{self.service}.{self.operation}"


@cache
def model(service: str) -> ServiceModel:
    """botocore's model of a service, by botocore's name."""
    return get_service_model(service)


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    return model(service).operation_model(operation)


def understand(request: HttpRequest, services: frozenset[str]) -> Asked:
    """Read a request for one of `services`.

    Raises AwsError for what is not signed, not known, or cannot be parsed.
    """
    url = urlsplit(request.url)
    values = _values(url.query, request)
    key, region, signing_name = _credential(request, values)
    service = _service(signing_name, values, services)
    if target := header(request, "x-amz-target"):
        operation = _known(service, target.rpartition(".")[2])
        return Asked(service, operation, region, key, _params(service, operation, "json", request, {}, values), "json")
    protocol = _protocol(service)
    operation, url_params = _operation(service, protocol, request.method, url.path, values)
    params = _params(service, operation, protocol, request, url_params, values)
    return Asked(service, operation, region, key, params)


def write(asked: Asked, result: Mapping[str, Any], request_id: str) -> HttpAnswer:
    """A success. Members that are None are left out; lists that are empty stay."""
    protocol = asked.protocol or _protocol(asked.service)
    serializer = get_serializer_class(asked.service, protocol)(
        operation_model(asked.service, asked.operation),  # type: ignore[arg-type]  # it is moto's subclass
        SerializationContext(request_id),
    )
    answer = serializer.serialize(result)
    body = answer["body"]
    return HttpAnswer(
        answer["status_code"],
        {**answer["headers"], "x-amzn-RequestId": request_id},
        body.encode() if isinstance(body, str) else body,
    )


def _protocol(service: str) -> str:
    """The protocol of a request that is not JSON. CloudWatch's model names CBOR first; its query protocol is
    what older clients speak."""
    protocols = model(service).metadata.get("protocols") or ()
    return "query" if "query" in protocols else str(model(service).protocol)


def _values(query: str, request: HttpRequest) -> dict[str, str]:
    values = dict(parse_qsl(query, keep_blank_values=True))
    if header(request, "content-type").startswith("application/x-www-form-urlencoded"):
        values.update(parse_qsl(request.body.decode(), keep_blank_values=True))
    return values


def header(request: HttpRequest, name: str) -> str:
    """A header's value, "" where there is none; names ignore case."""
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


def _credential(request: HttpRequest, values: Mapping[str, str]) -> tuple[str, str, str]:
    scope = SCOPE.search(header(request, "authorization"))
    scope = scope or _PRESIGNED.fullmatch(values.get("X-Amz-Credential", ""))
    if not scope:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    return scope.group(1), scope.group(2), scope.group(3)


def _service(signing_name: str, values: Mapping[str, str], services: frozenset[str]) -> str:
    service = signing_name
    if signing_name == "elasticloadbalancing":
        service = _LOAD_BALANCER_VERSIONS.get(values.get("Version", ""), "elb")
    service = _SIGNED_AS.get(service, service)
    if service not in services:
        raise AwsError("InvalidAction", f"The sandbox has no service {service}.")
    return service


def _operation(
    service: str, protocol: str, method: str, path: str, values: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    if "rest" in protocol:
        for name, wanted, pattern in _routes(service):
            if wanted == method and (match := pattern.fullmatch(path.rstrip("/"))):
                return name, {key: unquote(value) for key, value in match.groupdict().items()}
        raise AwsError("InvalidAction", f"No operation of {service} answers {method} {path}.", 404)
    return _known(service, values.get("Action", "")), {}


def _known(service: str, action: str) -> str:
    if action not in model(service).operation_names:
        raise AwsError("InvalidAction", f"The action {action} is not valid for this web service.")
    return action


@cache
def _routes(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    """(operation, method, pattern of the path), the most literal first."""
    routes = []
    for name in model(service).operation_names:
        http = operation_model(service, name).http
        path = str(http["requestUri"]).split("?")[0].rstrip("/")
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", path))
        routes.append((path.count("{"), name, str(http["method"]), re.compile(pattern)))
    routes.sort(key=lambda route: route[0])
    return [(name, method, pattern) for _, name, method, pattern in routes]


def _params(
    service: str,
    operation: str,
    protocol: str,
    request: HttpRequest,
    url_params: dict[str, str],
    values: dict[str, str],
) -> dict[str, Any]:
    asked = operation_model(service, operation)
    parser: Any = PROTOCOL_PARSERS[protocol](
        asked,  # type: ignore[arg-type]  # it is moto's subclass
        timestamp_parser=parse_timestamp,
        map_type=dict,
    )
    try:
        parsed: dict[str, Any] = parser.parse({
            "body": request.body,
            "headers": Headers(list(request.headers.items())),
            "method": request.method,
            "url_params": url_params,
            "url_path": urlsplit(request.url).path,
            "values": MultiDict(values),
        })  # fmt: skip
    except (ValueError, TypeError) as error:
        raise AwsError("MalformedInput", f"The request could not be read: {error}") from error
    return parsed

"""Refusals on the wire, each in the form of its service's protocol."""

import json
from xml.sax.saxutils import escape

from sandbox.errors import AwsError
from sandbox.wire import SCOPE, HttpAnswer, HttpRequest, header


def write_error(service: str, error: AwsError, request_id: str, protocol: str = "") -> HttpAnswer:
    """A refusal, in the form of the service's protocol (EC2 words it differently from all others)."""
    fault = "Sender" if error.status < 500 else "Receiver"
    if protocol == "json":
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "x-amzn-RequestId": request_id,
            "x-amzn-query-error": f"{error.code};{fault}",
        }
        body = json.dumps({"__type": error.code, "message": error.message})
        return HttpAnswer(error.status, headers, body.encode())
    said = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if service == "ec2":
        text = f"<Response><Errors><Error>{said}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        text = (
            f"<ErrorResponse><Error><Type>{fault}</Type>{said}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return HttpAnswer(error.status, headers, f'<?xml version="1.0" encoding="utf-8"?>\n{text}'.encode())


def service_guess(request: HttpRequest) -> str:
    """The service whose error form to use when a request could not be understood."""
    scope = SCOPE.search(header(request, "authorization"))
    return scope.group(3) if scope else ""


def protocol_guess(request: HttpRequest) -> str:
    """The protocol to answer such a request in: JSON where its caller names the operation in a header."""
    return "json" if header(request, "x-amz-target") else ""

"""What can go wrong, as the API's callers see it; app/manners/problems.py turns it into a response.

LandbridgeError
├── BadRequest            400, the request cannot be understood
├── Unauthorized          401, no token, or none that is good
├── Forbidden             403, a good token whose role may not do this
├── NotFound              404
├── Conflict              409, the state of something stands in the way
├── PreconditionFailed    412, If-Match names a version that is no longer the newest
├── TooLarge              413
├── Invalid               422, understood, but not acceptable
├── PreconditionRequired  428, If-Match is missing
├── TooManyRequests       429
├── CloudRefused          502, AWS refused or did not answer
└── Unavailable           503, a server of ours did not answer
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """The closed list of problem codes; docs/errors.md says what each means."""

    BAD_REQUEST = "bad_request"
    INVALID_CURSOR = "invalid_cursor"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    SELF_APPROVAL = "self_approval"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    CONFLICT = "conflict"
    NAME_TAKEN = "name_taken"
    ACCOUNT_BUSY = "account_busy"
    INVENTORY_NOT_READY = "inventory_not_ready"
    PLAN_BLOCKED = "plan_blocked"
    PLAN_NOT_APPROVED = "plan_not_approved"
    WRONG_STATE = "wrong_state"
    JOB_CONFLICT = "job_conflict"
    JOB_STATE = "job_state"
    IDEMPOTENCY_IN_PROGRESS = "idempotency_in_progress"
    PRECONDITION_FAILED = "precondition_failed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID_REQUEST = "invalid_request"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    PRECONDITION_REQUIRED = "precondition_required"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL_ERROR = "internal_error"
    CLOUD_REFUSED = "cloud_refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code stands for: its HTTP status, a title that never varies, and a sentence of help."""

    status: int
    title: str
    help: str


MEANINGS: Mapping[Code, Meaning] = {
    Code.BAD_REQUEST: Meaning(400, "Bad request", "The request could not be read; send what the spec says."),
    Code.INVALID_CURSOR: Meaning(400, "Invalid cursor", "Begin the list again, without a cursor."),
    Code.UNAUTHORIZED: Meaning(401, "Unauthorized", "Send `Authorization: Bearer <token>` with a good token."),
    Code.FORBIDDEN: Meaning(403, "Forbidden", "Use a token of a role that the operation admits."),
    Code.SELF_APPROVAL: Meaning(403, "Authors do not approve", "Somebody other than the author approves."),
    Code.NOT_FOUND: Meaning(404, "Not found", "Nothing has this address; list the collection to see what has."),
    Code.METHOD_NOT_ALLOWED: Meaning(405, "Method not allowed", "Use a method that `Allow` names."),
    Code.NOT_ACCEPTABLE: Meaning(406, "Not acceptable", "Ask for a media type that the operation offers."),
    Code.CONFLICT: Meaning(409, "Conflict", "Something else stands in the way; the detail names it."),
    Code.NAME_TAKEN: Meaning(409, "Name taken", "Choose another name, or use the thing that has it."),
    Code.ACCOUNT_BUSY: Meaning(409, "Account busy", "Wait for, cancel or undo the job that the detail names."),
    Code.INVENTORY_NOT_READY: Meaning(409, "Inventory not ready", "Wait until the inventory is `ready`."),
    Code.PLAN_BLOCKED: Meaning(409, "Plan has blockers", "Mend what the plan's findings say, and plan anew."),
    Code.PLAN_NOT_APPROVED: Meaning(409, "Plan not approved", "Have the plan approved as it now is."),
    Code.WRONG_STATE: Meaning(409, "Not in this state", "Look at `status`; the detail names the right ones."),
    Code.JOB_CONFLICT: Meaning(
        409, "Another job holds the account", "Wait for, cancel or undo the job that the detail names."
    ),
    Code.JOB_STATE: Meaning(409, "Not in the job's state", "The detail says what the job allows now."),
    Code.IDEMPOTENCY_IN_PROGRESS: Meaning(
        409, "First request still running", "Repeat the request after `Retry-After` seconds."
    ),
    Code.PRECONDITION_FAILED: Meaning(412, "Changed meanwhile", "Read it again and send its new `ETag`."),
    Code.TOO_LARGE: Meaning(413, "Too large", "Send less; the detail names the limit."),
    Code.UNSUPPORTED_MEDIA_TYPE: Meaning(415, "Unsupported media type", "Send `application/json`."),
    Code.INVALID_REQUEST: Meaning(422, "Invalid request", "Mend what `errors` points at."),
    Code.IDEMPOTENCY_MISMATCH: Meaning(
        422, "Key used for another request", "Use a new Idempotency-Key for a new request."
    ),
    Code.PRECONDITION_REQUIRED: Meaning(428, "If-Match required", "Read it and send its `ETag` in `If-Match`."),
    Code.TOO_MANY_REQUESTS: Meaning(429, "Too many requests", "Repeat after `Retry-After` seconds."),
    Code.INTERNAL_ERROR: Meaning(500, "Internal error", "Report it with its `request_id`."),
    Code.CLOUD_REFUSED: Meaning(502, "AWS refused", "The detail says what AWS answered and what to do."),
    Code.UNAVAILABLE: Meaning(503, "Unavailable", "Repeat after `Retry-After` seconds."),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request.

    `pointer` is a JSON pointer into the body ("/regions/0"), or the place and name of a parameter
    ("query/limit"). `code` is an open word, `detail` a sentence for a person.
    """

    pointer: str
    code: str
    detail: str


class LandbridgeError(Exception):
    """An expected refusal. `detail` is read by people outside: it says what to do next, and no secrets."""

    default: ClassVar[Code] = Code.INTERNAL_ERROR

    def __init__(
        self,
        detail: str,
        *,
        code: Code | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code or self.default
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return MEANINGS[self.code].status

    @property
    def title(self) -> str:
        """The same for every error of this code."""
        return MEANINGS[self.code].title


class BadRequest(LandbridgeError):
    default = Code.BAD_REQUEST


class Unauthorized(LandbridgeError):
    default = Code.UNAUTHORIZED


class Forbidden(LandbridgeError):
    default = Code.FORBIDDEN


class NotFound(LandbridgeError):
    default = Code.NOT_FOUND


class Conflict(LandbridgeError):
    default = Code.CONFLICT


class PreconditionFailed(LandbridgeError):
    default = Code.PRECONDITION_FAILED


class TooLarge(LandbridgeError):
    default = Code.TOO_LARGE


class Invalid(LandbridgeError):
    default = Code.INVALID_REQUEST


class PreconditionRequired(LandbridgeError):
    default = Code.PRECONDITION_REQUIRED


class TooManyRequests(LandbridgeError):
    default = Code.TOO_MANY_REQUESTS


class CloudRefused(LandbridgeError):
    default = Code.CLOUD_REFUSED


class Unavailable(LandbridgeError):
    default = Code.UNAVAILABLE

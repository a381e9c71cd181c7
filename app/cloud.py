"""The Cloud port: one account and region of AWS as the rest of the house sees it, and what can go wrong.

    CloudError
    ├── NotFound         the named thing is absent, or not visible yet
    ├── AlreadyExists    a thing of that name or rule is there already
    ├── Denied           not allowed, or the credentials are no good
    ├── Throttled        the request was rejected unread: safe to send again, later
    ├── Capacity         AWS has none left just now
    ├── Quota            a limit of the account
    ├── Conflict         the thing's state or another thing stands in the way: wait, or plan anew
    ├── UnknownOutcome   the call may have taken effect: look before repeating
    ├── DryRunPassed     what DryRun answers when the call would have been allowed
    └── Rejected         the request itself is wrong: our bug, or an unknown refusal

The classes are those of aws-facts, "What an error means".
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol


class CloudError(Exception):
    """A call that did not succeed, with AWS's own `code` and `message` and the `operation` called."""

    def __init__(self, operation: str, code: str, message: str, request_id: str | None = None) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message
        self.request_id = request_id


class NotFound(CloudError):
    pass


class AlreadyExists(CloudError):
    pass


class Denied(CloudError):
    pass


class Throttled(CloudError):
    pass


class Capacity(CloudError):
    pass


class Quota(CloudError):
    pass


class Conflict(CloudError):
    pass


class UnknownOutcome(CloudError):
    pass


class DryRunPassed(CloudError):
    pass


class Rejected(CloudError):
    pass


class Cloud(Protocol):
    """One account and region. Narrow on purpose: a new AWS type needs no new method."""

    @property
    def region(self) -> str: ...

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call once, e.g. `call("ec2.create_image", InstanceId=…)`; the answer as boto3 shows it.

        Changing calls go out exactly once; reads are repeated when throttled or lost.
        Raises CloudError.
        """
        ...

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """All pages of a describe or list call. Raises CloudError."""
        ...


def told_at(answer: Mapping[str, Any]) -> datetime:
    """When AWS gave an answer, by AWS's own clock: ours may be off, and a sandbox's runs as it likes."""
    date = answer.get("ResponseMetadata", {}).get("Date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)

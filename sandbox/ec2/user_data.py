"""User data, as launches, templates and configurations take it."""

import base64
import binascii

from sandbox.errors import AwsError

MOST_USER_DATA = 16 * 1024  # bytes, before base64


def check_user_data(user_data: str | None) -> None:
    """Raises InvalidUserData.Malformed for what is not base64, InvalidParameterValue for more than 16 KB."""
    try:
        raw = base64.b64decode(user_data or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise AwsError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from error
    if len(raw) > MOST_USER_DATA:
        raise AwsError("InvalidParameterValue", f"User data is limited to {MOST_USER_DATA} bytes")

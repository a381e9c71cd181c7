"""What AWS takes that may hold secrets, kept from everybody who reads trails, errors and logs."""

import base64
import binascii
from collections.abc import Iterator, Mapping

from app.planning.inventory import Json

SECRET = ("userdata", "password", "secret", "privatekey")
HIDDEN = "(hidden)"
WINDOW = 16  # letters in a row that two texts have in common by quotation, not by chance


def hidden(value: Json) -> Json:
    """`value` without what may be secret, and as JSON: bytes and moments as text."""
    if isinstance(value, Mapping):
        return {str(key): HIDDEN if _secret(str(key)) else hidden(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(inner) for inner in value]
    if isinstance(value, bytes):
        return HIDDEN
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def unquoting(message: str, params: Mapping[str, Json]) -> str:
    """`message` as it is, or HIDDEN where it quotes what a call with `params` has sent and may be secret.

    AWS, and botocore before it, say what they do not like about a value by repeating a part of it.
    """
    windows = set(_windows(message))
    for secret in _secrets(params):
        if len(secret) >= WINDOW and any(part in windows for part in _windows(secret)):
            return HIDDEN
        if 0 < len(secret) < WINDOW and secret in message:
            return HIDDEN
    return message


def _windows(text: str) -> Iterator[str]:
    return (text[start : start + WINDOW] for start in range(len(text) - WINDOW + 1))


def _secrets(value: Json, key: str = "") -> Iterator[str]:
    """Every value under a secret's key: as it is, as Python writes it, and to and from base64."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _secrets(inner, key if _secret(key) else str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner, key)
    elif _secret(key) and isinstance(value, str | bytes):
        raw = value if isinstance(value, bytes) else value.encode()
        text = raw.decode("utf-8", "replace")
        yield from (text, repr(text)[1:-1], repr(raw)[2:-1], base64.b64encode(raw).decode())
        try:
            yield base64.b64decode(raw, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            return


def _secret(key: str) -> bool:
    return any(word in key.lower() for word in SECRET)

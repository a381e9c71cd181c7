"""Writing what others named into Markdown, where it must stay text: names and tags come from AWS."""

import re
from collections.abc import Iterable

# A colon counts where it could make an address or an emoji of what follows, a dot where www stands before.
SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|<>~&@]|:(?=[/\w])|(?<=www)\.)", re.IGNORECASE)
UNSEEN = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def plain(text: object) -> str:
    """`text` on one line, without control characters and those that turn the direction of writing."""
    return UNSEEN.sub(" ", str(text))


def escaped(text: object) -> str:
    """`text` as Markdown that shows exactly it: no emphasis, link, mention, HTML or table cell begins."""
    return SPECIAL.sub(r"\\\1", plain(text))


def code(text: object) -> str:
    """`text` as a code span; its fence is longer than any run of backticks inside."""
    shown = plain(text)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def some(items: Iterable[str], most: int = 3) -> str:
    """The first few as code, and how many more."""
    listed = list(items)
    shown = ", ".join(code(item) for item in listed[:most])
    return shown if len(listed) <= most else f"{shown} and {len(listed) - most} more"


def span(seconds: float) -> str:
    """Seconds as a person says them: 40 s, 12 min, 3.5 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

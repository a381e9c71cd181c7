"""Writing what others named into Markdown, where it must stay text: names and tags come from AWS."""

import re
from collections.abc import Iterable

# A colon counts where it could make an address or an emoji of what follows, a dot where www stands before.
SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|<>~&@$]|:(?=[/\w])|(?<=www)\.)", re.IGNORECASE)
# What moves a terminal's cursor, ends a line, turns the direction of writing, is not seen at all, or may not stand in
# XML. Joiners (U+200C, U+200D) stay: scripts and emoji are written with them.
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]+"
)


def plain(text: object) -> str:
    """`text` on one line, without control characters and others that a reader does not see for what they are."""
    return UNSEEN.sub(" ", str(text))


def escaped(text: object) -> str:
    """`text` as Markdown that shows exactly it: no emphasis, link, mention, HTML or table cell begins."""
    return SPECIAL.sub(r"\\\1", plain(text))


def code(text: object) -> str:
    """`text` as a code span; its fence is longer than any run of backticks inside."""
    shown = plain(text) or " "  # two fences around nothing would begin a longer one
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    # A reader takes one space off either end where both have one.
    padded = "`" in shown or (shown.startswith(" ") and shown.endswith(" ") and shown.strip(" "))
    return f"{fence} {shown} {fence}" if padded else f"{fence}{shown}{fence}"


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

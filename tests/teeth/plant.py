"""A planted bug: a change of the source that reads like somebody's slip, and the tests that should mind."""

from dataclasses import dataclass
from pathlib import Path


class DoesNotApply(Exception):
    """The source has changed: the bug has to be planted anew, or given up with what it was about."""


@dataclass(frozen=True, slots=True)
class Plant:
    """`old` stands exactly once in `file` and becomes `new`.

    `sentence` says what the engine does then. `tests` are the narrowest that catch it, as pytest takes them.
    """

    name: str
    sentence: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def spoiled(self, root: Path) -> str:
        """The file's text with the bug in it. Raises DoesNotApply."""
        source = (root / self.file).read_text()
        found = source.count(self.old)
        if found != 1:
            raise DoesNotApply(f"{self.name}: its text is found {found} times in {self.file}, not once")
        return source.replace(self.old, self.new)

"""What AWS names things: taken from its answers, and put in another's place where a later sandbox names otherwise."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ID = re.compile(r"(?<![0-9a-z])[a-z]+-[0-9a-f]{17}(?![0-9a-f])")
_WORD = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?")


def names_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string that may be a name of AWS's choice (it has a digit), by where it stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from names_in(inner, f"{path}/{key}")
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from names_in(inner, f"{path}/{place}")
    elif isinstance(value, str) and len(value) > 6 and any(map(str.isdigit, value)):
        yield path, value


def _at(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
    return value


class Renaming:
    """Old names to new ones; nothing is done where all are the same."""

    def __init__(self) -> None:
        self._new: dict[str, str] = {}

    def learn(self, old: str, new: str) -> None:
        """Of two names in the same place, the words in which they differ."""
        if old == new:
            return
        self._new[old] = new
        words, others = _WORD.findall(old), _WORD.findall(new)
        if len(words) == len(others):
            self._new.update((word, other) for word, other in zip(words, others, strict=True) if word != other)

    def learn_all(self, old: Mapping[str, str], answer: Mapping[str, Any]) -> None:
        """From names by where they stood, and an answer of now; a later sandbox may not tell some of them any more."""
        for path, name in old.items():
            now = _at(answer, path.split("/")[1:])
            self.learn(name, now if isinstance(now, str) else name)

    def __call__(self, value: Any) -> Any:
        """The same with the new names; a list that was in order is put in order again."""
        if not self._new:
            return value
        if isinstance(value, Mapping):
            return {self._text(key): self(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            renamed = [self(inner) for inner in value]
            words = all(isinstance(inner, str) for inner in value)
            return sorted(renamed) if words and list(value) == sorted(value) else renamed
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if text in self._new:
            return self._new[text]
        for pattern in (_ID, _WORD):
            text = pattern.sub(lambda found: self._new.get(found[0], found[0]), text)
        return text

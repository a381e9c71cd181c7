"""What is tried in a process of its own, so that whatever it does to the world is forgotten afterwards."""

import os
import traceback
from collections.abc import Callable


def apart(attempt: Callable[[], list[str]]) -> list[str]:
    """What `attempt` returns when a forked child tries it, or how it failed there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _tell(writing, attempt)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found = answer.read()
    os.waitpid(child, 0)
    if not found.endswith("\0"):
        return [found or "the child vanished"]
    return [line for line in found[:-1].split("\n") if line]


def _tell(writing: int, attempt: Callable[[], list[str]]) -> None:
    """Ends the child: one that got past here would go on as a second test runner."""
    try:
        said = "\n".join(line.replace("\n", " ") for line in attempt()) + "\0"
    except BaseException:  # noqa: BLE001 - the parent must hear of everything that goes wrong here
        said = traceback.format_exc()
    with os.fdopen(writing, "w") as answer:
        answer.write(said)
    os._exit(0)

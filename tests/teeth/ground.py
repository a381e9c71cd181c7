"""The ground: a copy of the tree in which bugs are planted. The tree itself is never touched."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.teeth.plant import Plant

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/\S+?\.py::.+?)(?: - .*)?$", re.M)
PACKAGES = ("app", "workers", "sandbox", "landbridge", "migrations", "tests.kit")
# The order stands; what pytest would load besides costs more than most of these tests, none of which needs it.
WITHOUT = ("cacheprovider", "randomly", "schemathesis")
PATIENCE_SECONDS = 240.0
GOODBYE_SECONDS = 20.0
SOME_FAILED = 1  # pytest's exit code; any other than this and 0 says that the tests were not run


class NotTheCopy(Exception):
    """Tests would run against the tree itself."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How pytest ended: `failed` by id, the last lines in `told`. `never`: it did not end by itself."""

    failed: tuple[str, ...]
    passed: bool
    told: str
    never: bool = False


class Ground:
    """A copy of the tree at `root`, and a PostgreSQL server where tests may make databases."""

    def __init__(self, tree: Path, root: Path, database_url: str) -> None:
        self.root = root
        self._process: subprocess.Popen[str] | None = None
        shutil.copytree(tree, root, ignore=LEFT_OUT, dirs_exist_ok=True)
        # Whatever a test starts as a program of its own must find the copy as well, not what is installed. One
        # server for all, since starting one takes longer than most of these tests: each run has its own database.
        self._environment = {**os.environ, "PYTHONPATH": str(root), "LANDBRIDGE_DATABASE_URL": database_url}
        self._check()

    def _check(self) -> None:
        """Raises NotTheCopy."""
        code = f"import {', '.join(PACKAGES)}; print(*(m.__file__ for m in ({', '.join(PACKAGES)})), sep='\\n')"
        told = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.root,
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        strangers = [line for line in told.splitlines() if not line.startswith(str(self.root.resolve()))]
        if strangers:
            raise NotTheCopy(", ".join(strangers))

    @contextmanager
    def spoiled(self, plant: Plant) -> Iterator[None]:
        """The bug is in the copy while the block runs. Raises DoesNotApply."""
        file = self.root / plant.file
        source, spoiled = file.read_text(), plant.spoiled(self.root)
        self._write(file, spoiled)
        try:
            yield
        finally:
            self._write(file, source)

    @staticmethod
    def _write(file: Path, source: str) -> None:
        file.write_text(source)
        # Bytecode goes by the second and the size: two texts of one size in one second look alike to it.
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()

    def run(self, tests: Sequence[str], *options: str) -> Ran:
        """Run tests in the copy, in the order in which they stand."""
        left_out = [word for plugin in WITHOUT for word in ("-p", f"no:{plugin}")]
        command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", *left_out]
        with subprocess.Popen(
            [*command, *options, *tests],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            self._process = process
            try:
                told, _ = process.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                return Ran((), False, _end(process), never=True)
            finally:
                self._process = None
        failed = tuple(FAILED.findall(told)) if process.returncode == SOME_FAILED else ()
        return Ran(failed, process.returncode == 0, told[-2000:])

    def abandon(self) -> None:
        """Have tests that run end soon; whoever runs them hears of it as of tests that were not run."""
        if (process := self._process) is not None:
            process.send_signal(signal.SIGINT)


def _end(process: "subprocess.Popen[str]") -> str:
    """Have it tidy up; if it does not, end it and all it has started."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=GOODBYE_SECONDS)[0][-2000:]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0][-2000:]

"""Run a server's programs as an ordinary user: PostgreSQL refuses to start as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Whom root becomes; the first that exists.
USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs the programs of one `bin` directory, as `user` if we are root."""

    bin: Path
    user: pwd.struct_passwd | None

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; its output and errors together in `stdout`."""
        return subprocess.run(
            [self.bin / program, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **self._identity(),
        )  # fmt: skip

    def start(self, program: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start in a session of its own, so that a Ctrl-C meant for us does not end it before us."""
        with log.open("ab") as output:
            return subprocess.Popen(
                [self.bin / program, *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                **self._identity(),
            )  # fmt: skip

    def hand_over(self, path: Path) -> None:
        """Let the user own a file or directory of ours."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _identity(self) -> dict[str, Any]:
        where = {"cwd": "/"}  # ours may be a directory that the user cannot enter
        if self.user is None:
            return where
        return {**where, "user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


def runner_for(package: Path, home: Path) -> Runner:
    """A runner for the newest PostgreSQL in the wheel's `package` directory.

    As root the programs are copied into `home` if the ordinary user cannot reach them where they are
    (a virtual environment below /root), instead of opening directories to everyone.
    """
    user = _ordinary_user() if os.geteuid() == 0 else None
    runner = Runner(_newest(package), user)
    if user is None:
        return runner
    os.chown(home, user.pw_uid, user.pw_gid)
    if _works(runner):
        return runner
    return Runner(_copy(package, home) / "bin", user)


def _ordinary_user() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in USERS:
        if name in known:
            return known[name]
    raise RuntimeError(
        f"PostgreSQL does not run as root and there is no user {' or '.join(USERS)}: "
        "run this as an ordinary user, or set LANDBRIDGE_DATABASE_URL to a server."
    )


def _newest(package: Path) -> Path:
    return max(package.glob("pginstall*/bin"), key=lambda path: (len(path.parent.name), path.parent.name))


def _works(runner: Runner) -> bool:
    try:
        return runner.run("postgres", "--version").returncode == 0
    except PermissionError:
        return False


def _copy(package: Path, home: Path) -> Path:
    """Copy one installation and the shared libraries it looks for beside the package; returns its root."""
    install = _newest(package).parent
    target = home / package.name / install.name
    shutil.copytree(install, target, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name, symlinks=True)
    return target

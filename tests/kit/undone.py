"""Whether undo has put an account back."""

from typing import Any

from tests.kit.account import differences


def unrestored(before: Any, after: Any) -> list[str]:
    """What undo did not put back; the copy it keeps of what was written to the moved database is declared."""
    kept = [snapshot for snapshot in after["db_snapshots"] if "-undone-" not in snapshot["DBSnapshotIdentifier"]]
    return differences(before, {**after, "db_snapshots": kept})

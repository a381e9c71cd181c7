"""The database's history, and the functions that bring a database up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def config(url: str | None = None) -> Config:
    """Alembic's configuration for the packaged history; `url` None means the settings' database."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision; safe to run from several processes at once.

    Blocks and starts an event loop of its own: from async code call it in a thread.
    """
    command.upgrade(config(url), "head")


def head() -> str:
    """The newest revision that this code knows."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:
        raise LookupError("the migrations folder holds no revision: the installation is incomplete")
    return revision

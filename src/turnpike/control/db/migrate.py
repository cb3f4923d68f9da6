"""Brings a database to the newest revision, in this process, from an empty one or an older one.

Alembic takes 0.4 s to import, a third of the time that the whole gateway may take to start, and is needed about once
a release. So the revision is compared first, and the import is made only when a migration is due.
"""

import re
from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from turnpike.control.db.engine import open_migration_engine
from turnpike.errors import ConfigurationError
from turnpike.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x7475726E70696B65
_FILE = re.compile(r"^(\d{4})_\w+\.py$")


def known_revisions() -> list[str]:
    """The revisions in this release, oldest first: a migration's file is named `<revision>_<what it does>.py`."""
    found = (_FILE.match(path.name) for path in (MIGRATIONS / "versions").iterdir())
    return sorted(match[1] for match in found if match)


async def upgrade(settings: Settings) -> tuple[str | None, str]:
    """Returns the revision found (None: an empty database) and the one that holds now.

    Raises ConfigurationError for a database of a newer release.
    """
    head = known_revisions()[-1]
    engine = open_migration_engine(settings)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision)
            await connection.rollback()
            if found is not None and found not in known_revisions():
                raise ConfigurationError(
                    f"The database is at revision {found}, which this release of Turnpike does not know (its newest is "
                    f"{head}). Run the release that wrote it, or a newer one."
                )
            if found != head:
                await _migrate(connection)
            return found, head
    finally:
        await engine.dispose()


async def _migrate(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        # Several machines may start at once: one migrates, the others wait and then find nothing to do.
        await connection.execute(text(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})"))
        await connection.commit()
    runner = import_module("turnpike.control.db.run_migrations")
    await connection.run_sync(runner.run, MIGRATIONS)
    await connection.commit()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()

"""`turnpike db`."""

import asyncio

from turnpike.cli.client import who_types
from turnpike.cli.configuration import load_settings
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output
from turnpike.control.audit.entries import OPERATOR
from turnpike.control.boot import note_upgrade
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.migrate import upgrade as migrate
from turnpike.errors import Conflict, Unavailable
from turnpike.kit.files import FileLock, LockHeld, private_folder
from turnpike.settings import Settings


async def _upgrade(settings: Settings) -> tuple[str | None, str]:
    found, now = await migrate(settings)
    database = Database(settings)
    try:
        await note_upgrade(database, found, now, OPERATOR, who_types())
    finally:
        await database.close()
    return found, now


def upgrade(*, common: Common = DEFAULT) -> None:
    """Bring the database to this release's tables."""
    settings = load_settings(common)
    private_folder(settings.data_dir.resolve())
    try:
        with FileLock(settings.lock_file).acquire({"program": "turnpike db upgrade"}):
            found, now = asyncio.run(_upgrade(settings))
    except LockHeld as held:
        raise Conflict(
            f"a server runs on {settings.data_dir} (pid {held.holder.get('pid')}) and migrated when it started; "
            "stop it first to migrate by hand"
        ) from held
    except UNREACHABLE as error:
        raise Unavailable(f"The database cannot be reached: {str(error) or type(error).__name__}") from error
    line = f"The database is at revision {now} already." if found == now else f"Revision {found or 'none'} to {now}."
    Output(common).result({"before": found, "revision": now, "changed": found != now}, line)

"""The same application without a server: for commands, when none runs on the data folder."""

import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from turnpike.control import logs
from turnpike.control.app import create_app
from turnpike.control.assembly import assemble
from turnpike.control.boot import prepare, prepare_folders, prepare_secrets
from turnpike.control.db.database import UNREACHABLE
from turnpike.control.drain.runner import drain_once
from turnpike.control.drain.writers import Unreachable
from turnpike.control.web.edge import AdminDoor
from turnpike.errors import Unavailable
from turnpike.kit.files import FileLock
from turnpike.settings import Settings


@asynccontextmanager
async def open_offline(settings: Settings) -> AsyncIterator[ASGIApp]:
    """Yields the ASGI application, to whom every request is the local operator's.

    Holds the data folder's lock. Raises kit.files.LockHeld when somebody else has it, ConfigurationError when the
    installation cannot be used, Unavailable when the database cannot be reached.
    """
    prepare_folders(settings)
    quiet = settings.model_copy(update={"log_level": "warning"})
    logs.configure(quiet, program_is_terminal=sys.stderr.isatty())
    with FileLock(settings.lock_file).acquire({"program": "turnpike (a command)"}):
        keyring = prepare_secrets(settings)
        try:
            await prepare(settings, keyring, check=False)
        except UNREACHABLE as error:
            raise Unavailable(f"The database cannot be reached: {str(error) or type(error).__name__}.") from error
        # What a server that died left in its journals belongs to the ledger that the command may ask for.
        try:
            await drain_once(settings)
        except Unreachable as error:
            raise Unavailable(f"The journals cannot be drained into the ledger: {error}") from error
        services = assemble(settings, keyring)
        services.keeper.restore()
        try:
            await services.keeper.start()
            yield AdminDoor(create_app(services))
        finally:
            with contextlib.suppress(*UNREACHABLE):
                await services.refusals.flush()
            await services.keeper.stop()
            await services.answers.close()
            await services.lender.close()
            await services.database.close()

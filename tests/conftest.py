"""Fixtures for every room; those of one room stand in its own folder's conftest."""

import signal
from collections.abc import AsyncIterator

import pytest

from tests.support.databases import postgres, postgres_settings, settings, sqlite_settings, sqlite_template
from tests.support.trust import read_certificates_once
from turnpike.control.db.database import Database
from turnpike.settings import Settings

__all__ = ["postgres", "postgres_settings", "settings", "sqlite_settings", "sqlite_template"]

# A test run under nohup or in the background hands what it ignores down to every program it starts, and they would heed
# it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
read_certificates_once()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings)
    yield opened
    await opened.close()

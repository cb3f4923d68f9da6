"""Fixtures for every room; those of one room stand in its own folder's conftest."""

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import postgres, settings, sqlite_settings, sqlite_template
from turnpike.control.db.database import Database
from turnpike.settings import Settings

__all__ = ["postgres", "settings", "sqlite_settings", "sqlite_template"]


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings)
    yield opened
    await opened.close()

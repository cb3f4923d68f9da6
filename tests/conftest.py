"""Fixtures for every room; those of one room stand in its own folder's conftest."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import (
    own_postgres,
    postgres,
    postgres_settings,
    settings,
    sqlite_settings,
    sqlite_template,
)
from tests.support.trust import read_certificates_once
from turnpike.control.db.database import Database
from turnpike.settings import Settings

HERE = Path(__file__).parent
__all__ = ["own_postgres", "postgres", "postgres_settings", "settings", "sqlite_settings", "sqlite_template"]

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


LONGEST_FIRST = (
    "e2e/test_truths_away.py",
    "e2e/test_limits.py",
    "e2e/test_two_gateways.py",
    "e2e/test_leaks.py",
    "e2e/test_audit_deaths.py",
    "e2e/test_outages.py",
    "e2e/test_kills.py",
    "e2e",
    "integration/cli",
    "conformance",
    "integration",
    "contract",
)
"""A worker that takes a long one last is waited for by all others."""
APART = ("e2e", "integration/cli", "conformance")
"""Each test of theirs is long, has a gateway to itself or shares one for the whole run: any worker takes the next."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the run, and keeps the tests of a module on one worker: what they share is started once."""
    items.sort(key=_place)
    for item in items:
        path = _path(item)
        if not path.startswith(APART) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(path))


def _path(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).as_posix()


def _place(item: pytest.Item) -> int:
    path = _path(item)
    return next((place for place, start in enumerate(LONGEST_FIRST) if path.startswith(start)), len(LONGEST_FIRST))

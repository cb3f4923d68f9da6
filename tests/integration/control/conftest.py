"""Control on both databases."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from tests.support.control import Api, api, running_control
from turnpike.control.services import ControlServices
from turnpike.settings import Settings


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Commands set up the log; the next test finds it as it was."""
    root = logging.getLogger()
    level = root.level
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    for handler in [handler for handler in root.handlers if type(handler).__module__ == "turnpike.control.logs"]:
        root.removeHandler(handler)


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(settings) as running:
        yield running


@pytest.fixture
async def operator(services: ControlServices) -> AsyncIterator[Api]:
    """The local operator, who may do everything."""
    async with api(services) as client:
        yield client


@pytest.fixture
def first_key(services: ControlServices) -> str:
    return services.settings.first_key_file.read_text().strip()


@pytest.fixture
async def embedded(sqlite_settings: Settings) -> AsyncIterator[Api]:
    """The operator of a gateway on SQLite: for what does not depend on the database."""
    async with running_control(sqlite_settings) as running, api(running) as client:
        yield client

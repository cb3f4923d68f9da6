"""Control on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.support.control import Api, api, running_control
from turnpike.control.services import ControlServices
from turnpike.settings import Settings


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

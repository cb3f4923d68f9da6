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
    async with api(services) as client:
        yield client

"""Control on both databases, and somebody to be told."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from tests.support.control import Api, api, running_control
from tests.support.receiving import Delivering, Receiver, allowing, receiver
from turnpike.control.services import ControlServices
from turnpike.control.signin import passwords
from turnpike.settings import Settings


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "Argon2Hasher", partial(Argon2Hasher, time_cost=1, memory_cost=64))


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(allowing(settings, webhook_timeout_s=2.0, webhook_attempts=3)) as running:
        yield running


@pytest.fixture
async def operator(services: ControlServices) -> AsyncIterator[Api]:
    async with api(services) as client:
        yield client


@pytest.fixture
def delivering(services: ControlServices) -> Delivering:
    return Delivering(services)


@pytest.fixture
async def embedded(sqlite_settings: Settings) -> AsyncIterator[ControlServices]:
    """For what does not depend on the database."""
    async with running_control(allowing(sqlite_settings, webhook_timeout_s=1.0, webhook_attempts=3)) as running:
        yield running

"""Control with people who are invited, provisioned, moved and erased, on both databases."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from tests.support.control import Api, api, running_control
from tests.support.people import browser
from turnpike.control.services import ControlServices
from turnpike.control.signin import passwords
from turnpike.settings import Settings


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second and 64 MiB for each password of a test is what a test need not wait for."""
    monkeypatch.setattr(passwords, "Argon2Hasher", partial(Argon2Hasher, time_cost=1, memory_cost=64))


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(settings) as running:
        yield running


@pytest.fixture
async def operator(services: ControlServices) -> AsyncIterator[Api]:
    async with api(services) as client:
        yield client


@pytest.fixture
async def scim(services: ControlServices, operator: Api) -> AsyncIterator[Api]:
    """An identity provider with a token of the operator's."""
    made = await operator.data("POST", "/api/v1/scim/tokens", {"name": "Entra ID"})
    headers = {"authorization": f"Bearer {made['token']}", "content-type": "application/scim+json"}
    async with browser(services, **headers) as client:
        yield client


@pytest.fixture
async def stranger(services: ControlServices) -> AsyncIterator[Api]:
    """A browser without anything."""
    async with browser(services) as client:
        yield client

"""Control on both databases, and people of every role."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from tests.support.control import Api, api, make_key, make_user, running_control
from turnpike.control.services import ControlServices
from turnpike.control.signin import passwords
from turnpike.settings import Settings


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "Argon2Hasher", partial(Argon2Hasher, time_cost=1, memory_cost=64))


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(settings) as running:
        yield running


@pytest.fixture
async def operator(services: ControlServices) -> AsyncIterator[Api]:
    """The local operator, who may do everything."""
    async with api(services) as client:
        yield client


@asynccontextmanager
async def caller_with(
    operator: Api, services: ControlServices, role: str, scopes: Sequence[str] = (), **values: Any
) -> AsyncIterator[tuple[Api, str]]:
    """Somebody of this role who may do all that the role may, and the id of the person."""
    user_id = await make_user(operator, role, **values)
    row = await make_key(operator, user_id=user_id, role=role, scopes=list(scopes))
    async with api(services, row["key"]) as caller:
        yield caller, user_id

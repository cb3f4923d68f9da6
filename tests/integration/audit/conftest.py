"""Control with its audit log, on both databases."""

from collections.abc import AsyncIterator
from typing import Any

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


async def log_of(operator: Api, **filters: Any) -> list[dict[str, Any]]:
    """The audit log's entries, the oldest first."""
    answer = await operator.get("/api/v1/audit", params={"per_page": 500, "sort": "seq", **filters})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def verdict(operator: Api, **question: Any) -> dict[str, Any]:
    answer = await operator.get("/api/v1/audit/verify", params=question)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]

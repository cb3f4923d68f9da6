"""Fixtures of the simulator's own tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.sdks import SYNC_AND_ASYNC, Calls, calls_to
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator


@pytest.fixture(params=SYNC_AND_ASYNC)
async def calls(simulator: RunningSimulator, request: pytest.FixtureRequest) -> AsyncIterator[Calls]:
    """Both SDKs, straight at the simulator; each test runs with the synchronous and the asynchronous clients."""
    async with calls_to(simulator.url, "sk-anything", request.param) as both:
        yield both

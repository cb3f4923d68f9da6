"""A gateway with a provider at each cloud, all played by one simulator."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from tests.support.clouds import register_clouds
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.sdks import Calls, calls_to
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

_numbers = count(1)


@pytest.fixture(scope="session")
def gateway(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("clouds"), simulator) as running:
        register_clouds(running)
        yield running


@pytest.fixture
async def calls(gateway: RunningGateway) -> AsyncIterator[Calls]:
    async with calls_to(gateway.url, gateway.admin_key, "async") as both:
        yield both


@pytest.fixture
def request_id(request: pytest.FixtureRequest) -> str:
    return f"cloud-{next(_numbers)}-{abs(hash(request.node.nodeid))}"

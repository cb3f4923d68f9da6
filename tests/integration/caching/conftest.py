"""One gateway in front of a simulator for each module, with the settings that the module names in `SETTINGS`."""

from collections.abc import Iterator

import pytest

from tests.support.gateway import RunningGateway, register_simulator, running_gateway
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator


@pytest.fixture(scope="module")
def gateway(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    settings = getattr(request.module, "SETTINGS", {})
    with running_gateway(folder, simulator, relays=2, settings=settings) as running:
        register_simulator(running)
        yield running

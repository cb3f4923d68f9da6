"""One gateway and one simulator for each worker's conformance tests, and SDK clients at the gateway."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count

import pytest

from tests.support.gateway import RunningGateway, register_simulator, running_gateway
from tests.support.media import register_media
from tests.support.sdks import SYNC_AND_ASYNC, Calls, calls_to
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

_numbers = count(1)


@pytest.fixture(scope="session")
def gateway(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), simulator) as running:
        register_simulator(running)
        yield running


@pytest.fixture(scope="session")
def media_models(gateway: RunningGateway) -> None:
    """Models that are no conversations are there too."""
    register_media(gateway)


@pytest.fixture(scope="session")
def caller_key(gateway: RunningGateway) -> str:
    """An ordinary key, as an application has it."""
    return gateway.create_key("conformance")


@pytest.fixture(params=SYNC_AND_ASYNC)
async def calls(gateway: RunningGateway, caller_key: str, request: pytest.FixtureRequest) -> AsyncIterator[Calls]:
    async with calls_to(gateway.url, caller_key, request.param) as both:
        yield both


@pytest.fixture
async def one_kind(gateway: RunningGateway, caller_key: str) -> AsyncIterator[Calls]:
    """The asynchronous clients only, where the kind of client cannot matter."""
    async with calls_to(gateway.url, caller_key, "async") as both:
        yield both


@pytest.fixture
def request_id(request: pytest.FixtureRequest) -> str:
    """What this test's call is found by, in the ledger and in the simulator's log."""
    return f"conf-{next(_numbers)}-{abs(hash(request.node.nodeid))}"


@pytest.fixture
def faulty_model(gateway: RunningGateway) -> Callable[[str, str], str]:
    """Makes a model of its own whose upstream name asks for a fault: no other test's breaker is opened by it."""

    def make(slug: str, fault: str) -> str:
        number = next(_numbers)
        name = f"faulty-{number}"
        # A key keeps two models with the same fault apart, here and in the simulator's counters.
        gateway.add_model(slug, name, f"sim/{fault},key={number}-{slug}")
        return name

    return make

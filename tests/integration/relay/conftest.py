"""One relay for each module's tests, with the settings that the module names in `SETTINGS`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.relay_process import Stage, running_stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    settings = getattr(request.module, "SETTINGS", {})
    async with running_stage(tmp_path_factory.mktemp("stage"), **settings) as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def policies_put_back(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """What a test sets for itself ends with it: the next one on the same relay finds the module's policies.

    A stage of one test's own is not there yet when this begins, and needs nothing put back.
    """
    shared: Stage | None = request.node.funcargs.get("stage")
    found = None if shared is None else shared.control.snapshot.policies
    yield
    if shared is not None and found is not None and shared.control.snapshot.policies != found:
        await shared.change(policies=found)

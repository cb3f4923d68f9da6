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

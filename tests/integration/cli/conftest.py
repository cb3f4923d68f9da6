from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateways import Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server with its simulator, shared by the tests of one module."""
    with Gateway(tmp_path_factory.mktemp("installation") / "data") as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"

"""What whole installations stand on: a simulator of the test's own with its call log, and a database of either kind."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgresServer
from tests.support.simulator import RunningSimulator, running_simulator


@pytest.fixture
def call_log(tmp_path: Path) -> Path:
    return tmp_path / "upstream-calls.ndjson"


@pytest.fixture
def upstream(call_log: Path) -> Iterator[RunningSimulator]:
    """A simulator that writes down every call that reaches it."""
    with running_simulator(call_log=call_log) as running:
        yield running


@pytest.fixture
def upstream_ids(call_log: Path) -> Callable[[], set[str]]:
    """The request ids that reached the upstream so far."""

    def read() -> set[str]:
        lines = call_log.read_text().splitlines()
        return {call["request_id"] for line in lines if (call := json.loads(line))["request_id"] is not None}

    return read


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_env(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings that name an empty database: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield {}
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create()
    yield {"TURNPIKE_DATABASE_URL": server.address(name)}
    server.drop(name)

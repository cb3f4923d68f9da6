"""Addresses of databases that cannot be used are told without their password."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.databases import test_settings
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.errors import ConfigurationError


async def ping(tmp_path: Path, url: str) -> None:
    database = Database(test_settings(tmp_path, database_url=SecretStr(url)))
    try:
        await database.ping()
    finally:
        await database.close()


@pytest.mark.parametrize(
    "query", ["sslmode=sometimes", "sslmode=verify-full&sslrootcert=/nowhere.pem", "target_session_attrs=best"]
)
async def test_options_of_libpq_are_read_and_wrong_ones_told(tmp_path: Path, query: str) -> None:
    with pytest.raises(ConfigurationError, match="TURNPIKE_DATABASE_URL") as refused:
        await ping(tmp_path, f"postgresql://me:hunter2@127.0.0.1:9/x?{query}")
    assert "hunter2" not in refused.value.message


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UNREACHABLE) as refused:
        await ping(tmp_path, "postgresql://me:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(refused.value)


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="postgresql://"):
        Database(test_settings(tmp_path, database_url=SecretStr("mysql://me:hunter2@db/x")))

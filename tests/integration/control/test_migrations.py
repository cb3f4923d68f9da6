"""Migrations: from nothing to what the models say, on both databases."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from turnpike.control.db import migrate
from turnpike.control.db.database import Database
from turnpike.control.db.engine import open_migration_engine
from turnpike.control.db.models import Base
from turnpike.errors import ConfigurationError
from turnpike.settings import Settings


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, Base.metadata)


async def test_migrated_tables_are_what_the_models_say(settings: Settings) -> None:
    engine = open_migration_engine(settings)
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()
    assert differences == []


async def test_a_second_upgrade_finds_nothing_to_do(settings: Settings) -> None:
    found, head = await migrate.upgrade(settings)
    assert found == head


async def test_a_newer_database_is_refused(settings: Settings) -> None:
    database = Database(settings)
    async with database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    with pytest.raises(ConfigurationError, match="9999"):
        await migrate.upgrade(settings)


def test_revisions_by_file_name_are_those_that_alembic_finds() -> None:
    scripts = ScriptDirectory(str(migrate.MIGRATIONS))
    assert scripts.get_heads() == [migrate.known_revisions()[-1]]
    assert sorted(script.revision for script in scripts.walk_revisions()) == migrate.known_revisions()


def test_every_migration_can_be_found_in_the_package() -> None:
    assert (Path(migrate.__file__).parent / "migrations" / "env.py").is_file()

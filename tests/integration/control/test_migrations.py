"""Migrations: from nothing to what the models say, on both databases."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Column, Connection, text

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


_OLD_ROW = {
    "event_id": b"0" * 16, "started_at_ms": 1_780_000_000_000, "request_id": "r", "key_id": "k", "key_name": "name",
    "user_id": "u", "operation": "chat", "dialect_in": "openai_chat", "stream": False, "model_asked": "m", "model": "m",
    "provider": "p", "deployment_id": "d", "status": 200, "outcome": 0, "usage_source": 0, "cost_nanousd": 7,
    "priced": True, "first_byte_us": 1, "total_us": 1, "attempts": 1, "input_tokens": 5, "output_tokens": 6,
    "cache_read_tokens": 0, "cache_write_tokens": 0, "cache_write_1h_tokens": 0, "reasoning_tokens": 0,
    "input_audio_tokens": 0, "output_audio_tokens": 0, "cache_read_audio_tokens": 0, "billable_requests": 1,
    "web_searches": 0,
}  # fmt: skip


async def test_totals_by_operation_are_made_of_the_rows_that_are_there(settings: Settings) -> None:
    def back_and_forth(connection: Connection) -> Any:
        operations = Operations(MigrationContext.configure(connection))
        scripts = ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions()
        media = next(script.module for script in scripts if script.path.endswith("_media.py"))
        names = ", ".join(_OLD_ROW)
        values = ", ".join(f":{name}" for name in _OLD_ROW)
        with Operations.context(operations.get_context()):
            media.downgrade()
            for number, operation in enumerate(("chat", "chat", "embeddings")):
                row = {**_OLD_ROW, "event_id": bytes([number]) * 16, "operation": operation}
                connection.execute(text(f"INSERT INTO ledger ({names}) VALUES ({values})"), row)
            media.upgrade()
            # Made anew, the table lacks what came later.
            later = Column("saved_nanousd", BigInteger(), nullable=False, server_default="0")
            operations.add_column("ledger_totals", later)
        query = "SELECT day, operation, requests, succeeded, input_tokens, cost_nanousd, images, key_name"
        found = connection.execute(text(f"{query} FROM ledger_totals ORDER BY operation")).all()
        return [tuple(row) for row in found]

    engine = open_migration_engine(settings)
    async with engine.connect() as connection:
        found = await connection.run_sync(back_and_forth)
        differences = await connection.run_sync(_differences)
        await connection.rollback()
    await engine.dispose()
    assert found == [
        ("2026-05-28", "chat", 2, 2, 10, 14, 0, "name"),
        ("2026-05-28", "embeddings", 1, 1, 5, 7, 0, "name"),
    ]
    assert differences == []

"""Alembic's part of a migration; imported only when one is due (see migrate.py)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from turnpike.errors import ConfigurationError


def alembic_config(migrations: Path, connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def run(connection: Connection, migrations: Path) -> None:
    """Raises ConfigurationError when a migration left rows that refer to nothing (SQLite)."""
    command.upgrade(alembic_config(migrations, connection), "head")
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise ConfigurationError(f"The migrated database has {len(broken)} rows that refer to missing rows")

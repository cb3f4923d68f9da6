"""The common questions are answered from an index, whatever the size of the ledger."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.support.rights import scope_at
from turnpike.control.db.database import Database
from turnpike.control.domains.ledger import repository
from turnpike.control.domains.ledger.repository import RowFilter
from turnpike.control.rights.permissions import Reach
from turnpike.control.rights.policy import Scope
from turnpike.kit.pagination import Order, Page
from turnpike.settings import Settings

NEWEST = (Order("started_at", descending=True),)
OWN, DEPARTMENT, ALL = (scope_at(reach) for reach in Reach)


async def _plan(settings: Settings, scope: Scope, wanted: RowFilter, after: tuple[int, bytes] | None) -> str:
    """What SQLite says it will do for a page, or for a part of an export."""
    database = Database(settings)
    statements: list[tuple[str, Any]] = []
    try:
        async with database.read() as session:
            execute = session.execute

            async def noting(statement: Any, *arguments: Any, **options: Any) -> Any:
                compiled = statement.compile(database.readers.sync_engine, compile_kwargs={"render_postcompile": True})
                values = compiled.construct_params()
                statements.append((str(compiled), tuple(values[name] for name in compiled.positiontup)))
                return await execute(statement, *arguments, **options)

            session.execute = noting  # pyright: ignore[reportAttributeAccessIssue]
            if after is None:
                await repository.rows(session, scope, wanted, NEWEST, Page())
            else:
                await repository.rows_after(session, scope, wanted, after, 100)
        query, values = statements[0]
        async with database.readers.connect() as connection:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
            return "; ".join(row[-1] for row in rows)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("scope", "wanted", "index"),
    [
        (ALL, RowFilter(), "ix_ledger_started_at_ms"),
        (ALL, RowFilter(since_ms=1, until_ms=2), "ix_ledger_started_at_ms"),
        (ALL, RowFilter(user_id="u"), "ix_ledger_user_id_started_at_ms"),
        (ALL, RowFilter(key_id="k"), "ix_ledger_user_id_started_at_ms"),
        (ALL, RowFilter(model="m"), "ix_ledger_model_started_at_ms"),
        (ALL, RowFilter(request_id="r"), "ix_ledger_request_id"),
        (OWN, RowFilter(), "ix_ledger_user_id_started_at_ms"),
        (OWN, RowFilter(key_id="k", since_ms=1), "ix_ledger_user_id_started_at_ms"),
        (DEPARTMENT, RowFilter(), "ix_ledger_started_at_ms"),
    ],
)
@pytest.mark.parametrize("after", [None, (5, bytes(16))])
async def test_a_page_and_an_export_walk_an_index(
    sqlite_settings: Settings, scope: Scope, wanted: RowFilter, index: str, after: tuple[int, bytes] | None
) -> None:
    plan = await _plan(sqlite_settings, scope, wanted, after)
    assert index in plan
    assert "SCAN ledger" not in plan.replace(f"SCAN ledger USING INDEX {index}", "")


async def test_the_plan_of_a_question_without_an_index_would_be_seen(sqlite_settings: Settings) -> None:
    database = Database(sqlite_settings)
    async with database.readers.connect() as connection:
        rows = (await connection.execute(text("EXPLAIN QUERY PLAN SELECT * FROM ledger WHERE status = 5"))).all()
    await database.close()
    assert "SCAN ledger" in rows[0][-1]

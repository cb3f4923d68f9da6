"""What tests ask of the ledger's tables, whichever the database."""

from typing import Any

from sqlalchemy import func, select

from turnpike.control.db.database import Database
from turnpike.control.db.models.ledger import LedgerRow, LedgerTotal
from turnpike.control.drain.rows import TOTAL_COLUMNS, totals_of
from turnpike.settings import Settings

Rows = list[dict[str, Any]]


async def ledger_rows(settings: Settings) -> Rows:
    """Every row, oldest event first."""
    return await _all(settings, select(LedgerRow.__table__).order_by(LedgerRow.event_id))


async def ledger_totals(settings: Settings) -> Rows:
    return await _all(settings, select(LedgerTotal.__table__).order_by(*LedgerTotal.__table__.primary_key))


async def count_rows(settings: Settings) -> int:
    return (await _all(settings, select(func.count().label("n")).select_from(LedgerRow)))[0]["n"]


async def _all(settings: Settings, query: Any) -> Rows:
    database = Database(settings)
    try:
        async with database.read() as session:
            return [dict(row) for row in (await session.execute(query)).mappings()]
    finally:
        await database.close()


async def assert_totals_are_the_sum_of_rows(settings: Settings) -> None:
    rows = await ledger_rows(settings)
    expected = totals_of(tuple(row.values()) for row in rows)
    found = [tuple(total[name] for name in TOTAL_COLUMNS) for total in await ledger_totals(settings)]
    # `key_name` is the latest one, which depends on the order of arrival.
    place = TOTAL_COLUMNS.index("key_name")
    assert sorted(row[:place] + row[place + 1 :] for row in found) == sorted(
        row[:place] + row[place + 1 :] for row in expected
    )

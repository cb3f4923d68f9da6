"""Rules of the cache and what is cleared of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select

from turnpike.contract.caching import MAX_TTL_S, CacheClear, CacheMode, CacheRule, Caching
from turnpike.control.db.models import CacheClearRow, CacheRuleRow
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.control.infra.answers import Wanted
from turnpike.errors import Conflict, InvalidRequest
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {
    "model": CacheRuleRow.model,
    "mode": CacheRuleRow.mode,
    "created_at": CacheRuleRow.created_at_ms,
    "updated_at": CacheRuleRow.updated_at_ms,
}
CLEARS_AT_MOST = 1_000


async def read_caching(session: ReadSession, *, store: bool) -> Caching:
    """What relays are told."""
    rows = (await session.scalars(select(CacheRuleRow).where(CacheRuleRow.is_active).order_by(CacheRuleRow.id))).all()
    clears = (await session.scalars(select(CacheClearRow).order_by(CacheClearRow.at_ms))).all()
    return Caching(
        tuple(_rule(row) for row in rows),
        tuple(CacheClear(row.at_ms, row.model, row.key_id, row.user_id) for row in clears),
        store,
    )


def _rule(row: CacheRuleRow) -> CacheRule:
    return CacheRule(
        id=row.id,
        revision=row.revision,
        model=row.model,
        key_id=row.key_id,
        department_id=row.department_id,
        mode=row.mode,
        ttl_s=row.ttl_s,
        sharing=row.sharing,
        max_entry_bytes=row.max_entry_bytes,
        wait_s=row.wait_s,
        threshold=row.threshold,
        embedding_model=row.embedding_model,
    )


async def find(
    session: ReadSession, equal: dict[str, str | None], orders: Sequence[Order], page: Page
) -> tuple[Sequence[CacheRuleRow], int]:
    query = select(CacheRuleRow)
    for name, value in equal.items():
        if value is not None:
            query = query.where(getattr(CacheRuleRow, name) == value)
    return await paged(session, ordered(query, orders, ORDER, CacheRuleRow.id), page)


async def get(session: ReadSession, rule_id: str) -> CacheRuleRow:
    """Raises NotFound."""
    return await catalogued.get(session, CacheRuleRow, rule_id, "cache rule")


async def create(session: WriteSession, values: dict[str, Any]) -> CacheRuleRow:
    """Raises Conflict."""
    return await catalogued.add(session, CacheRuleRow(**values), _check)


async def change(session: WriteSession, rule_id: str, values: dict[str, Any]) -> CacheRuleRow:
    """What was kept under the rule is not given any more. Raises NotFound, Conflict or InvalidRequest."""
    row = await get(session, rule_id)
    revision = max(now_ms(), row.revision + 1)
    return await catalogued.change(session, row, {**values, "revision": revision}, _check)


async def remove(session: WriteSession, rule_id: str) -> CacheRuleRow:
    """Raises NotFound."""
    return await catalogued.remove(session, await get(session, rule_id))


async def _check(session: ReadSession, row: CacheRuleRow) -> None:
    """Two rules for the same would leave open which one decides."""
    if row.mode == CacheMode.SEMANTIC and row.embedding_model is None:
        raise InvalidRequest(
            "`embedding_model` is needed for the mode exact+semantic.", details={"param": "embedding_model"}
        )
    same = select(CacheRuleRow).where(
        CacheRuleRow.model == row.model,
        CacheRuleRow.key_id.is_not_distinct_from(row.key_id),
        CacheRuleRow.department_id.is_not_distinct_from(row.department_id),
    )
    for other in (await session.scalars(same)).all():
        if other is not row:
            raise Conflict(
                f"There is a cache rule for {row.model!r} and the same callers already; change that one.",
                details={"id": other.id},
            )


async def clear(session: WriteSession, wanted: Wanted) -> CacheClearRow:
    """Writes down that what was kept until now is not given any more, by any relay of any machine. Raises Conflict."""
    row = CacheClearRow(at_ms=now_ms(), **wanted._asdict())
    outdated = delete(CacheClearRow)
    if wanted != Wanted():
        # Older answers have gone by themselves.
        outdated = outdated.where(CacheClearRow.at_ms < row.at_ms - MAX_TTL_S * 1000)
    await session.execute(outdated)
    if (await session.execute(select(func.count()).select_from(CacheClearRow))).scalar_one() >= CLEARS_AT_MOST:
        raise Conflict(f"{CLEARS_AT_MOST} parts of the cache were cleared one by one; clear all of it instead.")
    return await catalogued.add(session, row)

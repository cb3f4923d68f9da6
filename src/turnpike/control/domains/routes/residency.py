"""Residency policies: where the data of departments, keys and tags may go."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from turnpike.control.db.models import ApiKey, Department, ResidencyPolicy
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.errors import Conflict, InvalidRequest
from turnpike.kit.pagination import Page, parse_sort

ORDER: Columns = {"name": ResidencyPolicy.name, "created_at": ResidencyPolicy.created_at_ms}


async def find(
    session: ReadSession, search: str | None, name: str | None, sort: str | None, page: Page
) -> tuple[Sequence[ResidencyPolicy], int]:
    query = select(ResidencyPolicy)
    if search:
        query = query.where(contains(ResidencyPolicy.name, search))
    if name is not None:
        query = query.where(ResidencyPolicy.name == name)
    return await paged(session, ordered(query, parse_sort(sort, ORDER, "name"), ORDER, ResidencyPolicy.id), page)


async def get(session: ReadSession, policy_id: str) -> ResidencyPolicy:
    """Raises NotFound."""
    return await catalogued.get(session, ResidencyPolicy, policy_id, "residency policy")


async def create(session: WriteSession, values: dict[str, Any]) -> ResidencyPolicy:
    """Raises Conflict or InvalidRequest."""
    return await catalogued.add(session, ResidencyPolicy(**values), _check)


async def change(session: WriteSession, policy_id: str, values: dict[str, Any]) -> ResidencyPolicy:
    """Raises NotFound, Conflict or InvalidRequest."""
    return await catalogued.change(session, await get(session, policy_id), values, _check)


async def remove(session: WriteSession, policy_id: str) -> ResidencyPolicy:
    """Raises NotFound."""
    return await catalogued.remove(session, await get(session, policy_id))


async def _check(session: ReadSession, row: ResidencyPolicy) -> None:
    same = (await session.scalars(select(ResidencyPolicy).where(ResidencyPolicy.name == row.name))).first()
    if same is not None and same is not row:
        raise Conflict(f"There is a policy {row.name!r} already.", details={"param": "name", "id": same.id})
    for param, column, wanted in (("departments", Department.id, row.departments), ("keys", ApiKey.id, row.keys)):
        found = set((await session.scalars(select(column).where(column.in_(wanted)))).all()) if wanted else set()
        missing = sorted(set(wanted) - found)
        if missing:
            raise InvalidRequest(
                f"{param}: there is no {', '.join(missing)}.", details={"param": param, "missing": missing}
            )

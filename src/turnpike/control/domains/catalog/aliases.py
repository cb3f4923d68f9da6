"""Other names for models, and what replaces those that are no more."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from turnpike.control.db.models import Model, ModelAlias
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.errors import Conflict, InvalidRequest
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {
    "name": ModelAlias.name,
    "target": ModelAlias.target,
    "created_at": ModelAlias.created_at_ms,
    "updated_at": ModelAlias.updated_at_ms,
}


async def find(
    session: ReadSession, search: str | None, name: str | None, orders: Sequence[Order], page: Page
) -> tuple[Sequence[ModelAlias], int]:
    query = select(ModelAlias)
    if search:
        query = query.where(or_(contains(ModelAlias.name, search), contains(ModelAlias.target, search)))
    if name is not None:
        query = query.where(ModelAlias.name == name)
    return await paged(session, ordered(query, orders, ORDER, ModelAlias.id), page)


async def get(session: ReadSession, alias_id: str) -> ModelAlias:
    """Raises NotFound."""
    return await catalogued.get(session, ModelAlias, alias_id, "alias")


async def create(session: WriteSession, values: dict[str, Any]) -> ModelAlias:
    """Raises Conflict or InvalidRequest."""
    return await catalogued.add(session, ModelAlias(**values), _check)


async def change(session: WriteSession, alias_id: str, values: dict[str, Any]) -> ModelAlias:
    """Raises NotFound, Conflict or InvalidRequest."""
    return await catalogued.change(session, await get(session, alias_id), values, _check)


async def remove(session: WriteSession, alias_id: str) -> ModelAlias:
    """Raises NotFound."""
    return await catalogued.remove(session, await get(session, alias_id))


async def _check(session: ReadSession, row: ModelAlias) -> None:
    """One step from alias to model: chains would hide where a request goes."""
    if row.name == row.target:
        raise InvalidRequest("An alias cannot stand for itself.", details={"param": "target"})
    same = (await session.scalars(select(ModelAlias).where(ModelAlias.name == row.name))).first()
    if same is not None and same is not row:
        raise Conflict(f"There is an alias {row.name!r} already.", details={"param": "name", "id": same.id})
    if (await session.scalars(select(Model.id).where(Model.name == row.name, Model.is_active).limit(1))).first():
        raise Conflict(
            f"{row.name!r} is the name of a model that is switched on, and would never mean another.",
            details={"param": "name"},
        )
    chained = or_(ModelAlias.name == row.target, ModelAlias.target == row.name)
    for other in (await session.scalars(select(ModelAlias).where(chained))).all():
        if other is not row:
            raise Conflict(
                f"{other.name!r} is an alias itself (of {other.target!r}): name the model it stands for.",
                details={"param": "target", "id": other.id},
            )

"""The rules: setting, showing and taking them away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from turnpike.contract.limits import Resource, Subject
from turnpike.control.db.models import ApiKey, Department, Limit, Model, Provider, Tier, User
from turnpike.control.db.scoped import get_within, select_within
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.control.rights.policy import Scope
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {
    "subject": Limit.subject,
    "name": Limit.name,
    "resource": Limit.resource,
    "amount": Limit.amount,
    "created_at": Limit.created_at_ms,
}
_IDENTITY = ("subject", "name", "resource", "window_s", "model", "operation")
_TABLES: dict[str, Any] = {
    Subject.KEY: ApiKey.id,
    Subject.USER: User.id,
    Subject.DEPARTMENT: Department.id,
    Subject.DEPLOYMENT: Model.id,
    Subject.TIER: Tier.name,
}


@dataclass(frozen=True)
class LimitFilter:
    subject: str | None = None
    name: str | None = None
    resource: str | None = None

    def apply(self, query: Select[Limit]) -> Select[Limit]:
        for column, value in ((Limit.subject, self.subject), (Limit.name, self.name), (Limit.resource, self.resource)):
            if value is not None:
                query = query.where(column == value)
        return query


async def find(
    session: ReadSession, scope: Scope, wanted: LimitFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[Limit], int]:
    return await paged(session, ordered(wanted.apply(select_within(scope, Limit)), orders, ORDER, Limit.id), page)


async def get(session: ReadSession, scope: Scope, limit_id: str) -> Limit:
    """Raises NotFound, for what lies outside of the scope too."""
    row = await get_within(session, scope, Limit, limit_id)
    if row is None:
        raise NotFound(f"There is no limit {limit_id}.")
    return row


async def put(session: WriteSession, scope: Scope, values: dict[str, Any]) -> Limit:
    """Sets the one rule for a subject, resource, window and filter, new or not. Raises InvalidRequest or NotFound."""
    values = {**values, "name": await resolve(session, values["subject"], values["name"])}
    same = [getattr(Limit, field) == values[field] for field in _IDENTITY]
    row = (await session.scalars(select_within(scope, Limit).where(*same).with_for_update())).first()
    if row is None:
        row = Limit(**values)
        session.add(row)
    for field, value in values.items():
        setattr(row, field, value)
    await session.flush()
    _tell(session, row)
    return row


async def remove(session: WriteSession, scope: Scope, limit_id: str) -> Limit:
    """Raises NotFound."""
    row = await get(session, scope, limit_id)
    await session.delete(row)
    await session.flush()
    _tell(session, row)
    return row


async def resolve(session: ReadSession, subject: str, name: str) -> str:
    """What a rule is stored under. A provider may be named by its slug. Raises InvalidRequest or NotFound."""
    if subject == Subject.GATEWAY:
        if name:
            raise InvalidRequest("The gateway has no name; leave `name` out.", details={"param": "name"})
        return ""
    if not name:
        raise InvalidRequest(f"`name` is missing: which {subject} is meant?", details={"param": "name"})
    if subject == Subject.PROVIDER:
        query = select(Provider.id).where((Provider.slug == name) | (Provider.id == name))
        found = (await session.scalars(query)).first()
        if found is None:
            raise NotFound(f"There is no provider {name!r}.", details={"param": "name"})
        return found
    column = _TABLES.get(subject)
    if column is not None and (await session.scalars(select(column).where(column == name))).first() is None:
        raise NotFound(f"There is no {subject} {name!r}.", details={"param": "name"})
    return name


def _tell(session: WriteSession, row: Limit) -> None:
    """Relays hear of it within a second."""
    match row.subject:
        case Subject.KEY:
            session.changes.keys([row.name])
        case Subject.USER:
            session.changes.users([row.name])
        case _:
            session.changes.catalog()


def check_window(resource: str, window_s: int | None) -> int:
    """Raises ValueError."""
    if resource == Resource.CONCURRENCY:
        if window_s:
            raise ValueError("concurrency is what goes on at once: it has no window_s")
        return 0
    return 60 if window_s is None else window_s

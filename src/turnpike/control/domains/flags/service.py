"""Making, changing and reading feature flags. They are read anew each time: a change is at work at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from turnpike.control.db.models import Department, FeatureFlag, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.flags.rules import FlagKind, Person, check, evaluate
from turnpike.control.domains.flags.schemas import EvaluatedView, document_of
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.kit.pagination import Page, parse_sort

ORDER: Columns = {"name": FeatureFlag.name, "created_at": FeatureFlag.created_at_ms}


async def find(  # noqa: PLR0917 - a list's filters, its order, its page
    session: ReadSession, search: str | None, kind: str | None, active: bool | None, sort: str | None, page: Page
) -> tuple[Sequence[FeatureFlag], int]:
    query = select(FeatureFlag)
    if search:
        query = query.where(contains(FeatureFlag.name, search))
    if kind is not None:
        query = query.where(FeatureFlag.kind == kind)
    if active is not None:
        query = query.where(FeatureFlag.is_active == active)
    return await paged(session, ordered(query, parse_sort(sort, ORDER, "name"), ORDER, FeatureFlag.id), page)


async def get(session: ReadSession, name_or_id: str) -> FeatureFlag:
    """Raises NotFound."""
    query = select(FeatureFlag).where(or_(FeatureFlag.name == name_or_id, FeatureFlag.id == name_or_id.lower()))
    row = (await session.scalars(query)).first()
    if row is None:
        raise NotFound(f"There is no flag {name_or_id}.")
    return row


async def evaluated(session: ReadSession, actor: Principal) -> list[EvaluatedView]:
    """Every flag, as it is for `actor`."""
    person = Person(actor.user_id, actor.department_id, str(actor.role))
    found: list[EvaluatedView] = []
    for row in await session.scalars(select(FeatureFlag).order_by(FeatureFlag.name)):
        made = evaluate(row.name, row.document, person, active=row.is_active)
        found.append(EvaluatedView(name=row.name, kind=FlagKind(row.kind), value=made.value, reason=made.reason))
    return found


async def create(session: WriteSession, values: dict[str, Any]) -> FeatureFlag:
    """Raises Conflict or InvalidRequest."""
    name = values["name"]
    known = (await session.scalars(select(FeatureFlag).where(FeatureFlag.name == name))).first()
    if known is not None:
        raise Conflict(f"There is a flag {name} already.", details={"param": "name", "id": known.id})
    document = document_of(values)
    await _check(session, FlagKind(values["kind"]), document)
    row = FeatureFlag(
        name=name,
        kind=str(values["kind"]),
        document=document,
        description=values["description"],
        is_active=values["is_active"],
    )
    session.add(row)
    await session.flush()
    return row


async def change(session: WriteSession, name_or_id: str, values: dict[str, Any]) -> FeatureFlag:
    """Raises NotFound or InvalidRequest. A flag keeps its name and kind: programs rely on them."""
    row = await get(session, name_or_id)
    if {"default", "rules", "value_schema"} & values.keys():
        current = {**row.document, "value_schema": row.document["schema"]}
        document = document_of({**current, **values})
        await _check(session, FlagKind(row.kind), document)
        row.document = document
    for name in ("description", "is_active"):
        if name in values:
            setattr(row, name, values[name])
    await session.flush()
    return row


async def remove(session: WriteSession, name_or_id: str) -> FeatureFlag:
    """Raises NotFound."""
    row = await get(session, name_or_id)
    await session.delete(row)
    await session.flush()
    return row


async def _check(session: ReadSession, kind: FlagKind, document: dict[str, Any]) -> None:
    check(kind, document)
    for param, column in (("departments", Department.id), ("users", User.id)):
        wanted = {each for rule in document["rules"] for each in rule[param]}
        found = set((await session.scalars(select(column).where(column.in_(wanted)))).all()) if wanted else set()
        missing = sorted(wanted - found)
        if missing:
            raise InvalidRequest(
                f"{param}: there is no {', '.join(missing[:5])}.", details={"param": param, "missing": missing}
            )

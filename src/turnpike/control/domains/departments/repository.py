"""Queries on departments, their people, and what else names them. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from turnpike.contract.limits import Subject
from turnpike.control.db.models import (
    ApiKey,
    Budget,
    CacheRuleRow,
    Department,
    GuardPolicy,
    Invitation,
    Issuer,
    Limit,
    ResidencyPolicy,
    ScimMapping,
    User,
)
from turnpike.control.db.scoped import get_within, select_within
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.rights.policy import Scope
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {"name": Department.name, "code": Department.code, "created_at": Department.created_at_ms}
MEMBER_ORDER: Columns = {"display_name": User.display_name, "email": User.email, "created_at": User.created_at_ms}


@dataclass(frozen=True)
class Size:
    """How many people and how many keys that are not revoked a department has."""

    members: int = 0
    keys: int = 0


async def find(
    session: ReadSession, scope: Scope, search: str | None, orders: Sequence[Order], page: Page, *, name: str | None
) -> tuple[Sequence[Department], int]:
    query = select_within(scope, Department)
    if search:
        query = query.where(contains(Department.name, search))
    if name is not None:
        query = query.where((Department.name == name) | (Department.code == name))
    return await paged(session, ordered(query, orders, ORDER, Department.id), page)


async def get(session: ReadSession, scope: Scope, department_id: str) -> Department | None:
    return await get_within(session, scope, Department, department_id)


async def locked(session: WriteSession, department_id: str) -> Department | None:
    """The row, and nobody else's until the transaction ends."""
    query = select(Department).where(Department.id == department_id).with_for_update()
    return (await session.scalars(query)).first()


async def with_name(session: ReadSession, name: str) -> Department | None:
    return (await session.scalars(select(Department).where(Department.name == name))).first()


async def with_code(session: ReadSession, code: str) -> Department | None:
    return (await session.scalars(select(Department).where(Department.code == code))).first()


async def sizes(session: ReadSession, ids: Sequence[str]) -> dict[str, Size]:
    people = select(User.department_id, func.count()).where(User.department_id.in_(ids), User.erased_at_ms.is_(None))
    members = {row[0]: row[1] for row in await session.execute(people.group_by(User.department_id))}
    owned = (
        select(User.department_id, func.count(ApiKey.id))
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(User.department_id.in_(ids), ApiKey.revoked_at_ms.is_(None))
        .group_by(User.department_id)
    )
    keys = {row[0]: row[1] for row in await session.execute(owned)}
    return {each: Size(members.get(each, 0), keys.get(each, 0)) for each in ids}


async def members(
    session: ReadSession, scope: Scope, department_id: str, orders: Sequence[Order], page: Page
) -> tuple[Sequence[User], int]:
    query = select_within(scope, User).where(User.department_id == department_id, User.erased_at_ms.is_(None))
    return await paged(session, ordered(query, orders, MEMBER_ORDER, User.id), page)


async def people(session: ReadSession, user_ids: Sequence[str]) -> Sequence[User]:
    return (await session.scalars(select(User).where(User.id.in_(user_ids)).order_by(User.id))).all()


async def people_of(session: WriteSession, department_id: str) -> Sequence[User]:
    query = select(User).where(User.department_id == department_id).order_by(User.id).with_for_update()
    return (await session.scalars(query)).all()


async def residency(session: ReadSession, department_id: str) -> list[ResidencyPolicy]:
    """The policies that say where its people's data may go."""
    rows = (await session.scalars(select(ResidencyPolicy).order_by(ResidencyPolicy.name))).all()
    return [row for row in rows if department_id in row.departments]


async def mentions(session: ReadSession, department_id: str) -> dict[str, list[str]]:
    """What names a department, by kind: ids or names, as they are called elsewhere."""
    now = now_ms()
    queries: dict[str, Select[Any]] = {
        "limits": select(Limit.id).where(Limit.subject == Subject.DEPARTMENT, Limit.name == department_id),
        "budgets": select(Budget.id).where(
            Budget.kind == "department", Budget.subject == department_id, Budget.deleted_at_ms.is_(None)
        ),
        "cache_rules": select(CacheRuleRow.id).where(CacheRuleRow.department_id == department_id),
        "scim_mappings": select(ScimMapping.group_name).where(ScimMapping.department_id == department_id),
        "invitations": select(Invitation.email).where(
            Invitation.department_id == department_id,
            Invitation.accepted_at_ms.is_(None),
            Invitation.revoked_at_ms.is_(None),
            Invitation.expires_at_ms > now,
        ),
    }
    found: dict[str, list[str]] = {kind: [*await session.scalars(query)] for kind, query in queries.items()}
    found["residency_policies"] = [row.name for row in await residency(session, department_id)]
    guards = (await session.scalars(select(GuardPolicy))).all()
    found["policies"] = [row.name for row in guards if department_id in row.applies.get("departments", ())]
    issuers = (await session.scalars(select(Issuer))).all()
    found["issuers"] = [row.slug for row in issuers if _names(row.config, department_id)]
    return {kind: named for kind, named in found.items() if named}


def _names(config: dict[str, Any], department_id: str) -> bool:
    return any(rule.get("department_id") == department_id for rule in config.get("rules") or ())

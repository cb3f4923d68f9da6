"""Queries on people and departments. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from turnpike.contract.access import Role
from turnpike.control.db.models import Department, User
from turnpike.control.db.scoped import get_within, select_within
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.rights.policy import Scope, everything
from turnpike.kit.pagination import Order, Page

USER_ORDER: Columns = {
    "display_name": User.display_name,
    "email": User.email,
    "role": User.role,
    "created_at": User.created_at_ms,
}


@dataclass(frozen=True)
class UserFilter:
    search: str | None = None
    role: str | None = None
    department_id: str | None = None
    is_active: bool | None = None
    erased: bool = False
    """Those too that were erased."""


async def users(
    session: ReadSession, scope: Scope, wanted: UserFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[User], int]:
    query = select_within(scope, User)
    if not wanted.erased:
        query = query.where(User.erased_at_ms.is_(None))
    if wanted.search:
        query = query.where(or_(contains(User.display_name, wanted.search), contains(User.email, wanted.search)))
    if wanted.role is not None:
        query = query.where(User.role == wanted.role)
    if wanted.department_id is not None:
        query = query.where(User.department_id == wanted.department_id)
    if wanted.is_active is not None:
        query = query.where(User.is_active == wanted.is_active)
    return await paged(session, ordered(query, orders, USER_ORDER, User.id), page)


async def user(session: ReadSession, scope: Scope, user_id: str) -> User | None:
    return await get_within(session, scope, User, user_id)


async def first_super_admin(session: ReadSession) -> User | None:
    query = select_within(everything("the operator acts in somebody's name"), User)
    query = query.where(User.role == Role.SUPER_ADMIN, User.is_active).order_by(User.created_at_ms, User.id)
    return (await session.scalars(query.limit(1))).first()


async def other_super_admins(session: ReadSession, user_id: str) -> int:
    """How many are active beside this one."""
    query = select(func.count()).where(User.role == Role.SUPER_ADMIN, User.is_active, User.id != user_id)
    return (await session.execute(query)).scalar_one()


async def user_with(session: ReadSession, *, email: str | None = None, ext_subject: str | None = None) -> User | None:
    condition = User.email == email if email is not None else User.ext_subject == ext_subject
    query = select_within(everything("what names a person is theirs alone"), User).where(condition)
    return (await session.scalars(query)).first()


async def department(session: ReadSession, scope: Scope, department_id: str) -> Department | None:
    return await get_within(session, scope, Department, department_id)

"""Queries on roles, which are the whole gateway's. Never commits."""

from collections.abc import Sequence

from sqlalchemy import func, select

from turnpike.control.db.models import ApiKey, Issuer, RoleRow, User
from turnpike.control.db.scoped import within
from turnpike.control.db.sessions import ReadSession
from turnpike.control.rights.policy import Scope


async def roles(session: ReadSession) -> Sequence[RoleRow]:
    return (await session.scalars(select(RoleRow).order_by(RoleRow.name))).all()


async def role(session: ReadSession, name: str, *, lock: bool = False) -> RoleRow | None:
    query = select(RoleRow).where(RoleRow.name == name)
    return (await session.scalars(query.with_for_update() if lock else query)).first()


async def holders(session: ReadSession, scope: Scope, name: str) -> tuple[int, int]:
    """How many people have the role, and how many keys that still count."""
    people = select(func.count()).select_from(User).where(User.role == name, within(scope, User))
    keys = select(func.count()).select_from(ApiKey)
    keys = keys.where(ApiKey.role == name, ApiKey.revoked_at_ms.is_(None), within(scope, ApiKey))
    return (await session.execute(people)).scalar_one(), (await session.execute(keys)).scalar_one()


async def issuers(session: ReadSession) -> Sequence[Issuer]:
    """Whose rules may give roles."""
    return (await session.scalars(select(Issuer).order_by(Issuer.slug))).all()

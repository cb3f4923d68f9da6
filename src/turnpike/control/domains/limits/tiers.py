"""Tiers: names for sets of limits, which keys carry."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select

from turnpike.contract.limits import Subject
from turnpike.control.db.models import ApiKey, Department, Limit, Tier
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.errors import Conflict, NotFound

DEFAULT = "standard"
"""What keys have that name none."""


async def find(session: ReadSession) -> Sequence[Tier]:
    return (await session.scalars(select(Tier).order_by(Tier.name))).all()


async def limits_of(session: ReadSession, names: Sequence[str]) -> dict[str, list[Limit]]:
    query = select(Limit).where(Limit.subject == Subject.TIER, Limit.name.in_(names)).order_by(Limit.id)
    found: dict[str, list[Limit]] = {name: [] for name in names}
    for row in await session.scalars(query):
        found[row.name].append(row)
    return found


async def get(session: ReadSession, name: str) -> Tier:
    """Raises NotFound."""
    row = await session.get(Tier, name)
    if row is None:
        raise NotFound(f"There is no tier {name!r}.")
    return row


async def put(session: WriteSession, name: str, description: str | None) -> Tier:
    row = await session.get(Tier, name)
    if row is None:
        row = Tier(name=name)
        session.add(row)
    row.description = description
    await session.flush()
    return row


async def remove(session: WriteSession, name: str) -> Tier:
    """With its limits. Raises NotFound, and Conflict while keys carry it or a department gives it."""
    row = await get(session, name)
    query = select(func.count()).select_from(ApiKey).where(ApiKey.tier == name, ApiKey.revoked_at_ms.is_(None))
    keys = (await session.execute(query)).scalar_one()
    if name == DEFAULT or keys:
        used_by = "every key that names none" if name == DEFAULT else f"{keys} keys"
        raise Conflict(f"The tier {name!r} is that of {used_by}.", details={"keys": keys})
    giving = (await session.scalars(select(Department.name).where(Department.default_tier == name))).all()
    if giving:
        raise Conflict(f"The tier {name!r} is the default of {', '.join(giving)}.", details={"departments": [*giving]})
    await session.execute(delete(Limit).where(Limit.subject == Subject.TIER, Limit.name == name))
    return await catalogued.remove(session, row)

"""Work that one control process of all machines does at a time: a claim in the database that ends by itself."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from turnpike.control.db.models import WorkClaim
from turnpike.control.db.sessions import WriteSession
from turnpike.kit.clock import now_ms


async def claim(session: WriteSession, name: str, holder: str, for_ms: int) -> bool:
    """Takes the claim or holds it for longer; False while somebody else has it. Its row stays locked until the
    transaction ends."""
    now = now_ms()
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(WorkClaim).values(name=name, holder=holder, until_ms=now + for_ms)
    statement = statement.on_conflict_do_update(
        index_elements=[WorkClaim.name],
        set_={"holder": holder, "until_ms": now + for_ms},
        where=(WorkClaim.holder == holder) | (WorkClaim.until_ms <= now),
    )
    await session.execute(statement)
    found = await session.scalar(select(WorkClaim.holder).where(WorkClaim.name == name).with_for_update())
    return found == holder

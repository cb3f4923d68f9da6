"""What an identity provider shows to provision people. It is good for /scim/v2 and for nothing else.

It acts on nobody above whoever made it, as they are now, and ends with them: they have seen it. One that the operator
of the machine made belongs to the organisation, and goes on whoever leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select, update

from turnpike.contract.grants import key_digest
from turnpike.control.db.database import Database
from turnpike.control.db.models import ScimToken
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.control.domains.roles import service as roles
from turnpike.control.domains.scim.mappings import Ceiling
from turnpike.control.rights.permissions import Permission, Reach
from turnpike.control.rights.policy import everything
from turnpike.control.web.principal import Principal
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text
from turnpike.kit.pagination import Page, parse_sort

PREFIX = "tps-"
SHOWN_PREFIX = 10
MAX_TOKEN = 128
TOUCH_MS = 60_000
ORDER: Columns = {
    "name": ScimToken.name,
    "created_at": ScimToken.created_at_ms,
    "last_used_at": ScimToken.last_used_at_ms,
}


@dataclass(frozen=True)
class ScimClient:
    """Who provisions."""

    token_id: str
    name: str
    ceiling: Ceiling
    """What it acts on and gives, at most."""


class Made(NamedTuple):
    row: ScimToken
    token: str

    def __repr__(self) -> str:
        return f"Made({self.row.id})"


async def find(session: ReadSession, sort: str | None, page: Page) -> tuple[Sequence[ScimToken], int]:
    query = ordered(select(ScimToken), parse_sort(sort, ORDER, "-created_at"), ORDER, ScimToken.id)
    return await paged(session, query, page)


def status_of(row: ScimToken) -> str:
    if row.revoked_at_ms is not None:
        return "revoked"
    return "expired" if row.expires_at_ms is not None and row.expires_at_ms <= now_ms() else "active"


async def create(session: WriteSession, actor: Principal, name: str, expires_at_ms: int | None, pepper: bytes) -> Made:
    """Raises InvalidRequest, or Forbidden for a key that may do less than its owner's role, which the token has."""
    await identity.check_rank_of(session, actor, actor.role, "Making a token that acts up to its maker's role")
    if expires_at_ms is not None and expires_at_ms <= now_ms():
        raise InvalidRequest("expires_at lies in the past.", details={"param": "expires_at"})
    token = PREFIX + random_text(256)
    row = ScimToken(
        name=name,
        prefix=token[:SHOWN_PREFIX],
        digest=key_digest(token.encode(), pepper),
        role=actor.role,
        created_by=actor.user_id,
        expires_at_ms=expires_at_ms,
    )
    session.add(row)
    await session.flush()
    return Made(row, token)


async def revoke(session: WriteSession, actor: Principal, token_id: str) -> ScimToken:
    """For ever; what it provisioned stays. Raises NotFound or Forbidden."""
    row = await session.get(ScimToken, token_id)
    if row is None:
        raise NotFound(f"There is no SCIM token {token_id}.")
    await identity.check_rank_of(session, actor, row.role, "Revoking this token")
    if row.revoked_at_ms is None:
        row.revoked_at_ms = now_ms()
        await session.flush()
    return row


async def client_of(database: Database, authorization: str, pepper: bytes) -> ScimClient | None:
    """Who shows this header; None for nobody."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > MAX_TOKEN:
        return None
    async with database.read() as session:
        digest = key_digest(token.encode(), pepper)
        row = (await session.scalars(select(ScimToken).where(ScimToken.digest == digest))).first()
        if row is None or status_of(row) != "active":
            return None
        ceiling = await _ceiling(session, row)
    if ceiling is None:
        return None
    now = now_ms()
    if row.last_used_at_ms is None or now - row.last_used_at_ms >= TOUCH_MS:
        async with database.write() as session:
            await session.execute(update(ScimToken).where(ScimToken.id == row.id).values(last_used_at_ms=now))
    return ScimClient(row.id, row.name, ceiling)


async def _ceiling(session: ReadSession, row: ScimToken) -> Ceiling | None:
    """Of a token that was made when its maker might do more no more than they may now; None when they may not provision
    any longer."""
    rights = await roles.rights_held(session, row.role)
    if row.created_by is None:
        return Ceiling(row.role, rights, None)
    maker = await identity.get_user(session, everything("the maker of a token that is shown"), row.created_by)
    held = await roles.rights_held(session, maker.role)
    if not maker.is_active or held.reach(Permission.MANAGE_PROVISIONING) is not Reach.ALL:
        return None
    return Ceiling(row.role, rights & held, maker.id)

"""Queries on invitations. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select

from turnpike.control.db.models import Invitation
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {
    "created_at": Invitation.created_at_ms,
    "expires_at": Invitation.expires_at_ms,
    "email": Invitation.email,
}
STATUSES = ("open", "accepted", "revoked", "expired")


@dataclass(frozen=True)
class InvitationFilter:
    search: str | None = None
    status: str | None = None
    department_id: str | None = None


def _open() -> ColumnElement[bool]:
    return and_(
        Invitation.accepted_at_ms.is_(None), Invitation.revoked_at_ms.is_(None), Invitation.expires_at_ms > now_ms()
    )


def _status(status: str) -> ColumnElement[bool]:
    accepted, revoked = Invitation.accepted_at_ms.is_not(None), Invitation.revoked_at_ms.is_not(None)
    return {
        "open": _open(),
        "accepted": accepted,
        "revoked": and_(~accepted, revoked),
        "expired": and_(~accepted, ~revoked, Invitation.expires_at_ms <= now_ms()),
    }[status]


def status_of(row: Invitation) -> str:
    if row.accepted_at_ms is not None:
        return "accepted"
    if row.revoked_at_ms is not None:
        return "revoked"
    return "expired" if row.expires_at_ms <= now_ms() else "open"


async def find(
    session: ReadSession, wanted: InvitationFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[Invitation], int]:
    query = select(Invitation)
    if wanted.search:
        query = query.where(contains(Invitation.email, wanted.search))
    if wanted.status is not None:
        query = query.where(_status(wanted.status))
    if wanted.department_id is not None:
        query = query.where(Invitation.department_id == wanted.department_id)
    return await paged(session, ordered(query, orders, ORDER, Invitation.id), page)


async def get(session: ReadSession, invitation_id: str) -> Invitation | None:
    return await session.get(Invitation, invitation_id)


async def open_for(session: ReadSession, email: str) -> Sequence[Invitation]:
    return (await session.scalars(select(Invitation).where(Invitation.email == email, _open()))).all()


async def open_with(session: ReadSession, digest: bytes) -> Invitation | None:
    return (await session.scalars(select(Invitation).where(Invitation.digest == digest, _open()))).first()


async def locked(session: WriteSession, condition: ColumnElement[bool]) -> Invitation | None:
    """An open one, newest first, and nobody else's until the transaction ends."""
    query = select(Invitation).where(condition, _open()).order_by(Invitation.created_at_ms.desc(), Invitation.id.desc())
    return (await session.scalars(query.limit(1).with_for_update())).first()

"""What happened (the outbox), who is to be told of it, and what became of the telling.

Rows here are a record of their own, kept as long as settings say; changes of them are no acts of anybody.
"""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Document, Identified, Timed
from turnpike.kit.clock import now_ms

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"


class EventRow(Identified, Base):
    """Written in the transaction of what it tells; numbered after the commit, in one order for all machines."""

    __tablename__ = "events"
    __table_args__: Any = (
        UniqueConstraint("seq"),
        Index(None, "at_ms"),
        {"info": {"audit": False}},
    )

    seq: Mapped[int | None] = mapped_column(BigInteger)
    """NULL: not handed out yet."""
    type: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(SmallInteger)
    at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    department_id: Mapped[str | None] = mapped_column(String(36))
    """Of whom or what it speaks; NULL: of none, or of the whole gateway."""
    user_id: Mapped[str | None] = mapped_column(String(36))
    data: Mapped[dict[str, Any]]
    targets: Mapped[list[str] | None] = mapped_column(Document)
    """Ids of alert targets that are told besides."""
    only: Mapped[str | None] = mapped_column(String(36))
    """The one endpoint or target that is told, and nobody else: a test."""


class EventHead(Base):
    """One row. Its lock orders the numbering."""

    __tablename__ = "event_head"
    __table_args__: Any = ({"info": {"audit": False}},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)


class WebhookEndpoint(Identified, Timed, Base):
    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index(None, "department_id"),)

    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(String(200))
    event_types: Mapped[list[str]]
    """Names, or `key.*`, or `*`."""
    department_id: Mapped[str | None] = mapped_column(ForeignKey("departments.id", ondelete="CASCADE"))
    """Only events of this department; NULL: all."""
    sealed_secret: Mapped[str] = mapped_column(Text)
    sealed_old_secret: Mapped[str | None] = mapped_column(Text)
    """Signs beside the other until `old_until_ms`."""
    old_until_ms: Mapped[int | None] = mapped_column(BigInteger)
    is_active: Mapped[bool] = mapped_column(default=True)
    disabled_because: Mapped[str | None] = mapped_column(String(200))
    """Why it was switched off by itself."""
    failing_since_ms: Mapped[int | None] = mapped_column(BigInteger)
    """Since when every attempt has failed."""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class Delivery(Identified, Base):
    """One event on its way to one receiver: a webhook endpoint, or an alert target."""

    __tablename__ = "deliveries"
    __table_args__: Any = (
        UniqueConstraint("event_id", "receiver_id"),
        Index(None, "status", "due_at_ms"),
        Index(None, "receiver_id", "created_at_ms"),
        {"info": {"audit": False}},
    )

    event_id: Mapped[str] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(16))
    """`webhook`, `email` or `slack`."""
    receiver_id: Mapped[str] = mapped_column(String(36))
    status: Mapped[str] = mapped_column(String(16), default=PENDING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    """Since it was made, or replayed."""
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    due_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    """Of a claimed one: until when the claim holds, after which another process tries."""
    claim: Mapped[str | None] = mapped_column(String(36))
    ended_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None] = mapped_column(String(500))


class DeliveryAttempt(Identified, Base):
    __tablename__ = "delivery_attempts"
    __table_args__: Any = (Index(None, "delivery_id"), {"info": {"audit": False}})

    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    elapsed_ms: Mapped[int] = mapped_column(Integer)
    status: Mapped[int | None] = mapped_column(Integer)
    """Of HTTP, or the reply code of the mail server; NULL: there was no answer."""
    error: Mapped[str | None] = mapped_column(String(500))
    answer: Mapped[str | None] = mapped_column(String(1000))
    """The beginning of what it answered."""


class KeyNotice(Base):
    """That a key's end was announced: once for each end."""

    __tablename__ = "key_notices"
    __table_args__: Any = ({"info": {"audit": False}},)

    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    expires_at_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class ProviderDown(Base):
    """A provider that does not answer one machine's checks."""

    __tablename__ = "provider_down"
    __table_args__: Any = ({"info": {"audit": False}},)

    provider_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    home: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The machine."""
    slug: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(500))
    since_ms: Mapped[int] = mapped_column(BigInteger)
    seen_at_ms: Mapped[int] = mapped_column(BigInteger)
    """A machine that has not said so for long is gone, or well."""


class WorkClaim(Base):
    """Work that one control process does at a time."""

    __tablename__ = "work_claims"
    __table_args__: Any = ({"info": {"audit": False}},)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(36))
    until_ms: Mapped[int] = mapped_column(BigInteger)

"""Rules of what may be used in a time or at once, the tiers that some of them are for, and word of resets."""

from typing import Any

from sqlalchemy import BigInteger, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Document, Identified, Timed


class Tier(Timed, Base):
    """A name that keys carry. What a tier may do is in its limits."""

    __tablename__ = "tiers"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    description: Mapped[str | None] = mapped_column(String(500))


class Limit(Identified, Timed, Base):
    """As turnpike.contract.limits.LimitRule. One rule for a subject, a resource and a window; empty texts, not NULL,
    where a rule is not narrowed, so that the database sees that two are the same."""

    __tablename__ = "limits"
    __table_args__ = (UniqueConstraint("subject", "name", "resource", "window_s", "model", "operation"),)

    subject: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    resource: Mapped[str] = mapped_column(String(16))
    window_s: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int] = mapped_column(BigInteger)
    burst: Mapped[int] = mapped_column(BigInteger, default=0)
    on_unreachable: Mapped[str] = mapped_column(String(8), default="closed")
    model: Mapped[str] = mapped_column(String(255), default="")
    operation: Mapped[str] = mapped_column(String(64), default="")
    counting: Mapped[str] = mapped_column(String(8), default="bound")
    """Of tokens: `bound` or `estimate`."""


class LimitReset(Identified, Base):
    """Counters that an administrator has reset: for every control process to tell its relays of. Who it was is in the
    audit log by the request."""

    __tablename__ = "limit_resets"
    __table_args__ = ({"info": {"audit": False}},)

    at_ms: Mapped[int] = mapped_column(BigInteger)
    counters: Mapped[list[Any]] = mapped_column(Document)
    """Scope, resource and length in milliseconds of each."""

"""Policies of guards, and what guards decided."""

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed
from turnpike.control.db.models.ledger import NAME


class GuardPolicy(Identified, Timed, Base):
    __tablename__ = "guard_policies"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    enabled: Mapped[bool]
    priority: Mapped[int] = mapped_column(Integer)
    applies: Mapped[dict[str, Any]]
    """Lists by keys, users, departments, tiers, models; those that are empty are left out."""
    rules: Mapped[dict[str, Any]]
    """guards, bounds, fail_closed and media, as in turnpike.contract.policies."""
    note: Mapped[str | None] = mapped_column(String(500))


class GuardDecision(Base):
    """One find, counted; never the text. Everything stands here by value: a row outlives its policy and key."""

    __tablename__ = "guard_decisions"
    __table_args__ = (
        Index(None, "at_ms"),
        Index(None, "policy_id", "at_ms"),
        Index(None, "department_id", "at_ms"),
        Index(None, "request_id"),
    )

    event_id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Of the journal's record, and within it: who reads it twice writes it once."""
    at_ms: Mapped[int] = mapped_column(BigInteger)
    request_id: Mapped[str] = mapped_column(String(NAME))
    key_id: Mapped[str] = mapped_column(String(36))
    key_name: Mapped[str] = mapped_column(String(NAME))
    user_id: Mapped[str] = mapped_column(String(36))
    department_id: Mapped[str | None] = mapped_column(String(36))
    operation: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(NAME))
    policy_id: Mapped[str] = mapped_column(String(36))
    policy: Mapped[str] = mapped_column(String(64))
    guard: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(16))
    side: Mapped[str] = mapped_column(String(16))
    finds: Mapped[int] = mapped_column(Integer)

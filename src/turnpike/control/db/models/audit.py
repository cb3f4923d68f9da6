"""The audit log. Triggers refuse to change or delete rows but by retention and erasure (migration 0013).

`audit_head` is one row: its lock orders entries, so the chain never forks.
"""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base

HASH = 64


class AuditHead(Base):
    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    """Of the newest entry."""
    hash: Mapped[str] = mapped_column(String(HASH))


class AuditEntry(Base):
    """turnpike.control.audit.chain.Entry, column by column."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "at_ms"),
        Index(None, "actor_id", "seq"),
        Index(None, "object_id", "seq"),
        Index(None, "action", "seq"),
        Index(None, "department_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(96))
    outcome: Mapped[str] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(64))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(String(36))
    key_id: Mapped[str | None] = mapped_column(String(36))
    department_id: Mapped[str | None] = mapped_column(String(36))
    object_kind: Mapped[str | None] = mapped_column(String(64))
    object_id: Mapped[str | None] = mapped_column(String(255))
    request_id: Mapped[str | None] = mapped_column(String(128))
    count: Mapped[int] = mapped_column(BigInteger)
    changes: Mapped[str | None] = mapped_column(Text)
    commitment: Mapped[str] = mapped_column(String(HASH))
    previous_hash: Mapped[str] = mapped_column(String(HASH))
    hash: Mapped[str] = mapped_column(String(HASH))


class AuditPersonal(Base):
    """What can be erased of an entry, with the salt of its commitment."""

    __tablename__ = "audit_personal"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    salt: Mapped[str] = mapped_column(String(64))
    data: Mapped[str] = mapped_column(Text)


class AuditErasure(Base):
    """Says that an entry's personal data was removed on purpose."""

    __tablename__ = "audit_erasures"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    erased_at_ms: Mapped[int] = mapped_column(BigInteger)


class AuditCheckpoint(Base):
    """turnpike.control.audit.signing.Checkpoint."""

    __tablename__ = "audit_checkpoints"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    hash: Mapped[str] = mapped_column(String(HASH))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    public_key: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(128))


class AuditMark(Base):
    """How far refusals of a source (a relay's journal, a spool) were taken over: what is read again is known by it."""

    __tablename__ = "audit_marks"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class AuditWaiting(Base):
    """Refusals that the drain found in the journals, put here in the transaction that keeps them from being put here
    again, and that are not chained yet."""

    __tablename__ = "audit_waiting"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    refusal: Mapped[str] = mapped_column(Text)
    """turnpike.control.audit.refusals.Refusal as JSON."""

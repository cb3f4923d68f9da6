"""What the platform API keeps for itself: answers to idempotent requests, feature flags, stored settings."""

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed


class IdempotentAnswer(Identified, Base):
    """An Idempotency-Key, and what was answered. Digests are keyed; nothing here can be read without the gateway."""

    __tablename__ = "idempotent_answers"
    __table_args__ = {"info": {"audit": False}}  # noqa: RUF012 - SQLAlchemy's own, read once

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Of caller and key."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Of method, path, query and body."""
    status: Mapped[int | None] = mapped_column(Integer)
    sealed: Mapped[str | None] = mapped_column(Text)
    """The answer's body."""
    made_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)


class FeatureFlag(Identified, Timed, Base):
    __tablename__ = "feature_flags"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    """boolean, string, number or json."""
    description: Mapped[str | None] = mapped_column(String(500))
    document: Mapped[dict[str, Any]]
    """`default`, `rules` in their order, and for json its `schema`: turnpike.control.domains.flags.rules."""
    is_active: Mapped[bool] = mapped_column(default=True)
    """Off: everybody has the default."""


class StoredSetting(Timed, Base):
    """A setting that an administrator changed while the gateway runs; it goes before the environment's."""

    __tablename__ = "stored_settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    """`{"value": ...}`, or what the setting is made of."""
    changed_by: Mapped[str | None] = mapped_column(String(36))
    """User id; NULL: the operator."""

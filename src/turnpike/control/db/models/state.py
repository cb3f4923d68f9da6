"""What the control processes tell each other: the counters of change, the change log, the gateway's own policies."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Timed


class Meta(Base):
    """One row. Its lock orders changing transactions, so that versions rise in the order of commits."""

    __tablename__ = "meta"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    """Of the last entry of the change log."""
    snapshot_version: Mapped[int] = mapped_column(BigInteger)
    """Of the last change that a snapshot shows."""
    prices: Mapped[str | None] = mapped_column(String(64))
    """The price list that the models' rates were compiled from: `genai-prices 0.2.3`."""
    pepper_check: Mapped[str | None] = mapped_column(String(64))
    """Tells whether this gateway has the pepper that the stored digests were made with."""


class Change(Base):
    """Versions have no gaps: who misses one, forgets everything and reads anew."""

    __tablename__ = "changes"

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    snapshot: Mapped[bool]
    key_ids: Mapped[list[str] | None]
    """Keys whose grants changed; NULL: any may have."""
    made_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)


class Policy(Timed, Base):
    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]

"""Which answers are kept to be given again, and what was cleared of them."""

from sqlalchemy import BigInteger, Boolean, Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed
from turnpike.control.db.models.ledger import NAME
from turnpike.kit.clock import now_ms


class CacheRuleRow(Identified, Timed, Base):
    """turnpike.contract.caching.CacheRule. Keys and departments stand here by id, without foreign keys: a rule for one
    that is gone concerns nobody."""

    __tablename__ = "cache_rules"

    model: Mapped[str] = mapped_column(String(NAME))
    key_id: Mapped[str | None] = mapped_column(String(36))
    department_id: Mapped[str | None] = mapped_column(String(36))
    mode: Mapped[str] = mapped_column(String(16))
    ttl_s: Mapped[int] = mapped_column(Integer)
    sharing: Mapped[str] = mapped_column(String(16))
    max_entry_bytes: Mapped[int] = mapped_column(Integer)
    wait_s: Mapped[float] = mapped_column(Float)
    threshold: Mapped[float] = mapped_column(Float)
    embedding_model: Mapped[str | None] = mapped_column(String(NAME))
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    """Rises with every change that matters to answers kept under the rule."""


class CacheClearRow(Identified, Base):
    """turnpike.contract.caching.CacheClear."""

    __tablename__ = "cache_clears"

    at_ms: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str | None] = mapped_column(String(NAME))
    key_id: Mapped[str | None] = mapped_column(String(36))
    user_id: Mapped[str | None] = mapped_column(String(36))

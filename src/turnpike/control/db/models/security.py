"""Who may come in from where, over the whole gateway."""

from sqlalchemy import BigInteger, CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed


class NetworkRule(Identified, Timed, Base):
    __tablename__ = "network_rules"
    __table_args__ = (
        UniqueConstraint("network", "verdict"),
        CheckConstraint("verdict IN ('allow', 'deny')", name="verdict"),
    )

    network: Mapped[str] = mapped_column(String(64))
    """CIDR."""
    verdict: Mapped[str] = mapped_column(String(8))
    note: Mapped[str | None] = mapped_column(String(200))
    expires_at_ms: Mapped[int | None] = mapped_column(BigInteger)

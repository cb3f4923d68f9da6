"""API keys: digests, never keys."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.contract.scopes import SCOPES
from turnpike.control.db.base import Base, Flags, Identified, Timed
from turnpike.control.db.models.signin import PERSONAL


class ApiKey(Identified, Timed, Base):
    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "user_id"), Index(None, "created_at_ms"), Index(None, "successor_id"))

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200), info=PERSONAL)
    prefix: Mapped[str] = mapped_column(String(16))
    """The first characters, for people to tell keys apart."""
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]] = mapped_column(Flags(SCOPES))
    tier: Mapped[str] = mapped_column(String(32))
    models: Mapped[list[str]] = mapped_column(default=list)
    networks: Mapped[list[str]] = mapped_column(default=list, info=PERSONAL)
    denied_networks: Mapped[list[str] | None] = mapped_column(info=PERSONAL)
    """NULL: none."""
    default_provider_id: Mapped[str | None] = mapped_column(ForeignKey("providers.id", ondelete="SET NULL"))
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    role: Mapped[str | None] = mapped_column(String(32))
    """What it may do on the platform API beside its scopes, as far as its owner may."""
    expires_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    rotated_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When a successor was made; `expires_at_ms` is then the end of the grace period."""
    successor_id: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id", ondelete="SET NULL"))
    sealed_key: Mapped[str | None] = mapped_column(String(512))
    """A successor made by policy, encrypted until its owner has fetched it once."""

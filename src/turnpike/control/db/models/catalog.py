"""Providers, models, credentials and people's settings at a provider (brief/provider-registry.md)."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Flags, Identified, Timed

CAPABILITIES: tuple[str, ...] = (
    "chat",
    "image",
    "audio",
    "speech_to_text",
    "video",
    "code",
    "embeddings",
    "rerank",
    "moderation",
    "realtime",
)
"""In the order of their bits; new ones are appended, never inserted."""


class Provider(Identified, Timed, Base):
    __tablename__ = "providers"
    __table_args__ = (
        Index(None, "slug", "is_active"),
        Index(None, "is_active", "sort_order"),
        Index(None, "allow_shared_for_normal_admins"),
    )

    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(200))
    website: Mapped[str | None] = mapped_column(String(500))
    vendor: Mapped[str] = mapped_column(String(64))
    api_base_url: Mapped[str] = mapped_column(String(500))
    allow_shared_for_users: Mapped[bool] = mapped_column(default=True)
    allow_shared_for_normal_admins: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    sort_order: Mapped[int] = mapped_column(Integer, default=0)
    allow_addresses: Mapped[list[str]] = mapped_column(default=list)
    proxy: Mapped[str | None] = mapped_column(String(500))
    region: Mapped[str | None] = mapped_column(String(64))
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Values of the vendor's parameters that are no secrets, by name: text."""


class Model(Identified, Timed, Base):
    """A model at a provider. Rows that share a `name` form one model for callers."""

    __tablename__ = "models"
    __table_args__ = (
        UniqueConstraint("provider_id", "model_id"),
        Index(None, "provider_id", "is_active"),
        Index(None, "is_active", "sort_order"),
        Index(None, "name"),
    )

    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    model_id: Mapped[str] = mapped_column(String(255))
    """What the provider calls it."""
    display_name: Mapped[str] = mapped_column(String(255))
    capabilities: Mapped[list[str]] = mapped_column(Flags(CAPABILITIES))
    is_active: Mapped[bool] = mapped_column(default=True)
    sort_order: Mapped[int] = mapped_column(Integer, default=0)
    weight: Mapped[int] = mapped_column(Integer, default=1)
    context_window: Mapped[int | None] = mapped_column(Integer)
    max_output_tokens: Mapped[int | None] = mapped_column(Integer)
    region: Mapped[str | None] = mapped_column(String(64))
    """Where it runs; NULL: where its provider does."""
    max_in_flight: Mapped[int | None] = mapped_column(Integer)
    """Attempts in hand at a time and relay; NULL: the gateway's cap."""
    rates: Mapped[dict[str, Any] | None]
    """turnpike.wire.prices.Rates, compiled; None: unpriced."""
    price_source: Mapped[str | None] = mapped_column(String(64))
    price_until_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When the price list has another price in force: off-peak hours, announced changes."""
    price_override: Mapped[dict[str, Any] | None]
    """What an administrator set instead, as it was written."""


class ModelAlias(Identified, Timed, Base):
    """Another name for a model; or, retired, the name of one that is no more and what replaces it."""

    __tablename__ = "model_aliases"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    target: Mapped[str] = mapped_column(String(320))
    """A model's name, or `provider/name`."""
    retired: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(String(500))


class Credential(Identified, Timed, Base):
    """A provider key: shared where it has no owner, else that person's own. A provider may have several shared ones
    (NULL owners are distinct), a person one at each provider."""

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("provider_id", "owner_id"), Index(None, "owner_id"))

    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id", ondelete="CASCADE"))
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(200))
    sealed: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(String(32))
    """The masked secret: `sk-…abcd`."""
    is_active: Mapped[bool] = mapped_column(default=True)


class ProviderSetting(Identified, Timed, Base):
    """One person's own settings at one provider."""

    __tablename__ = "provider_settings"
    __table_args__ = (
        UniqueConstraint("user_id", "provider_id"),
        Index(None, "user_id", "is_active"),
        Index(None, "provider_id"),
    )

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id", ondelete="CASCADE"))
    use_shared_api: Mapped[bool] = mapped_column(default=True)
    monthly_limit_cents: Mapped[int | None] = mapped_column(BigInteger)
    is_active: Mapped[bool] = mapped_column(default=True)
    credential_id: Mapped[str | None] = mapped_column(ForeignKey("credentials.id", ondelete="SET NULL"))

"""Objects that were made at a provider through the gateway: files, batches, stored responses and the like."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Document
from turnpike.control.db.models.ledger import NAME
from turnpike.kit.clock import now_ms


class OwnedObjectRow(Base):
    """Whose an object is. Users, keys and departments stand here by id, without foreign keys, as in the ledger: what a
    batch costs is written down for them even when they are gone."""

    __tablename__ = "owned_objects"
    __table_args__ = (Index(None, "provider_id"), Index(None, "user_id", "kind"), Index(None, "usage_due_ms"))

    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    """With its API: `openai.files`."""
    object_id: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    key_id: Mapped[str] = mapped_column(String(36))
    key_name: Mapped[str] = mapped_column(String(NAME))
    department_id: Mapped[str | None] = mapped_column(String(36))
    credential_id: Mapped[str | None] = mapped_column(String(36))
    """The account at the provider that holds it."""
    batch: Mapped[dict[str, Any] | None]
    """turnpike.contract.objects.BatchFacts, of a file or batch whose every line was admitted."""
    usage_due_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When its provider is next asked what it used; NULL: nothing to ask."""
    charged: Mapped[list[str] | None] = mapped_column(Document)
    """Budget counters that its usage is added to, as in turnpike.contract.events.UsageEvent."""
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)

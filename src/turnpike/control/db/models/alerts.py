"""Alert rules, whom they tell, what is silenced, and what became of it."""

from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Document, Identified, Timed


class AlertTarget(Identified, Timed, Base):
    __tablename__ = "alert_targets"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`webhook`, `email` or `slack`."""
    endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    addresses: Mapped[list[str] | None] = mapped_column(Document, info={"personal": True})
    sealed_url: Mapped[str | None] = mapped_column(Text)
    """Of Slack's kind: whoever knows it may write there."""
    department_id: Mapped[str | None] = mapped_column(ForeignKey("departments.id", ondelete="CASCADE"))
    """Only alerts of this department; NULL: all."""
    budget_alerts: Mapped[bool] = mapped_column(default=True)
    """Percentages of budgets are told here too."""
    is_active: Mapped[bool] = mapped_column(default=True)


class AlertRule(Identified, Timed, Base):
    __tablename__ = "alert_rules"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    scope: Mapped[str] = mapped_column(String(16))
    """What is looked at: `gateway`, or a dimension of the ledger."""
    subject: Mapped[str] = mapped_column(String(255))
    """Which of them: an id, a name, `*` for each by itself; empty for the gateway."""
    window_s: Mapped[int] = mapped_column(Integer)
    threshold: Mapped[float] = mapped_column(Float)
    """Dollars, a z-score, percent or milliseconds."""
    options: Mapped[dict[str, Any]]
    hold_s: Mapped[int] = mapped_column(Integer)
    """How long it must be so before it fires."""
    resolve_s: Mapped[int] = mapped_column(Integer)
    """How long it must no longer be so before it is resolved."""
    repeat_s: Mapped[int] = mapped_column(Integer)
    """How often a firing alert is told again; 0: never."""
    severity: Mapped[str] = mapped_column(String(16))
    targets: Mapped[list[str]]
    department_id: Mapped[str | None] = mapped_column(ForeignKey("departments.id", ondelete="CASCADE"))
    """Whose people may see its alerts in their stream."""
    is_active: Mapped[bool] = mapped_column(default=True)


class AlertState(Base):
    """A rule that is pending or firing for one subject."""

    __tablename__ = "alert_states"
    __table_args__: Any = ({"info": {"audit": False}},)

    rule_id: Mapped[str] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    since_ms: Mapped[int] = mapped_column(BigInteger)
    fired_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    well_since_ms: Mapped[int | None] = mapped_column(BigInteger)
    """Since when a firing one is no longer so."""
    told_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When its targets were last told; NULL while it is silenced."""
    value: Mapped[float] = mapped_column(Float)
    message: Mapped[str] = mapped_column(String(500))
    seen_at_ms: Mapped[int] = mapped_column(BigInteger)


class AlertSilence(Identified, Timed, Base):
    __tablename__ = "alert_silences"
    __table_args__ = (Index(None, "until_ms"),)

    rule: Mapped[str] = mapped_column(String(200))
    """Of rules' names, `*` as a wildcard; `budget` is the percentages of budgets."""
    subject: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(String(200))
    until_ms: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class AlertRecord(Identified, Base):
    """The history: each change of a state. Speaks of rules by id and name, and outlives them."""

    __tablename__ = "alert_history"
    __table_args__: Any = (Index(None, "at_ms"), Index(None, "rule_id"), {"info": {"audit": False}})

    rule_id: Mapped[str] = mapped_column(String(36))
    rule: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[float] = mapped_column(Float)
    threshold: Mapped[float] = mapped_column(Float)
    message: Mapped[str] = mapped_column(String(500))
    silence_id: Mapped[str | None] = mapped_column(String(36))
    """What kept it from being told."""

"""Budgets, what was spent of each period, what is lent of it to relays, and the alerts that were raised."""

from sqlalchemy import BigInteger, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Document, Identified, Timed
from turnpike.control.db.models.ledger import NAME


class Budget(Identified, Timed, Base):
    """Subjects are ids, names or patterns without foreign keys: what was spent outlives what it was spent by."""

    __tablename__ = "budgets"
    __table_args__ = (Index(None, "kind", "subject"), Index(None, "short_at_ms"))

    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(NAME))
    """Empty for the gateway."""
    amount_nanousd: Mapped[int] = mapped_column(BigInteger)
    period: Mapped[str] = mapped_column(String(16))
    zone: Mapped[str] = mapped_column(String(64))
    length_ms: Mapped[int] = mapped_column(BigInteger)
    """Of a rolling budget; else 0."""
    hard: Mapped[bool]
    alerts: Mapped[list[int]] = mapped_column(Document)
    """Percentages of the amount."""
    flat_nanousd: Mapped[int | None] = mapped_column(BigInteger)
    is_active: Mapped[bool] = mapped_column(default=True)
    deleted_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """Calls that began before are still counted."""
    short_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When a relay last asked for more than could be lent while others held some: all machines call it back."""
    source: Mapped[str | None] = mapped_column(String(64))
    """What it follows: `setting:<id>` of a person's own monthly limit at a provider."""


class BudgetCounter(Base):
    """One period, or bucket of a rolling budget. Moved in the transaction that writes the ledger, by nobody else."""

    __tablename__ = "budget_counters"
    __table_args__ = (Index(None, "changed_at_ms"),)

    budget_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    spent_nanousd: Mapped[int] = mapped_column(BigInteger)
    changed_at_ms: Mapped[int] = mapped_column(BigInteger)


class BudgetSlice(Base):
    """What one holder was lent of a period, and what of it is in the ledger; the difference counts as spent."""

    __tablename__ = "budget_slices"
    __table_args__ = (Index(None, "holder"), Index(None, "home"))

    budget_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    holder: Mapped[str] = mapped_column(String(80), primary_key=True)
    """A relay's incarnation, or `late:...` of what ends long after its call."""
    home: Mapped[str] = mapped_column(String(36))
    """Whose journal folder it writes to; empty for what is late."""
    granted_nanousd: Mapped[int] = mapped_column(BigInteger)
    settled_nanousd: Mapped[int] = mapped_column(BigInteger)
    asked: Mapped[int] = mapped_column(BigInteger)
    """Number of the last question that was answered: what comes after it with a lower one is not."""
    fresh: Mapped[int] = mapped_column(BigInteger)
    """Of the last question that had it, see turnpike.contract.budgets.AskMoney."""
    base_nanousd: Mapped[int] = mapped_column(BigInteger)
    """What was granted before it."""
    seen_at_ms: Mapped[int] = mapped_column(BigInteger)


class BudgetAlert(Base):
    __tablename__ = "budget_alerts"
    __table_args__ = (Index(None, "raised_at_ms"),)

    budget_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    percent: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    spent_nanousd: Mapped[int] = mapped_column(BigInteger)
    amount_nanousd: Mapped[int] = mapped_column(BigInteger)
    raised_at_ms: Mapped[int] = mapped_column(BigInteger)

"""Routes with their history, and where data may go."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed
from turnpike.kit.clock import now_ms


class RouteRow(Identified, Timed, Base):
    __tablename__ = "routes"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str | None] = mapped_column(String(500))
    is_active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(Integer)
    """Of its last change: rises by one with each."""
    rules: Mapped[list[Any]] = mapped_column(JSON(none_as_null=True))
    """turnpike.contract.routes.Rule, each as a document."""


class RouteVersion(Identified, Base):
    """What a route was after a change, for ever: it outlives its route."""

    __tablename__ = "route_versions"
    __table_args__ = (UniqueConstraint("route_id", "version"), Index(None, "name"))

    route_id: Mapped[str] = mapped_column(String(36))
    version: Mapped[int] = mapped_column(Integer)
    action: Mapped[str] = mapped_column(String(16))
    """created, changed, rolled_back, deleted"""
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(String(500))
    is_active: Mapped[bool]
    rules: Mapped[list[Any]] = mapped_column(JSON(none_as_null=True))
    note: Mapped[str | None] = mapped_column(String(500))
    made_by: Mapped[str | None] = mapped_column(String(36))
    """The person's id; NULL: the operator of the machine."""
    made_by_name: Mapped[str] = mapped_column(String(200))
    made_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class ResidencyPolicy(Identified, Timed, Base):
    __tablename__ = "residency_policies"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    regions: Mapped[list[str]]
    departments: Mapped[list[str]]
    keys: Mapped[list[str]]
    tags: Mapped[list[str]]

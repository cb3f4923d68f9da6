"""Who there is: people and departments."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed


class Department(Identified, Timed, Base):
    __tablename__ = "departments"

    name: Mapped[str] = mapped_column(String(200), unique=True)


class RoleRow(Timed, Base):
    """A role made here; the four that are always there are no rows."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    description: Mapped[str | None] = mapped_column(String(500))
    permissions: Mapped[dict[str, Any]]
    """Names of permissions and reaches, as turnpike.control.rights.permissions.Rights.names has them."""


class User(Identified, Timed, Base):
    __tablename__ = "users"
    __table_args__ = (Index(None, "department_id", "is_active"), Index(None, "role"))

    ext_subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    """The person's name at the identity provider (OIDC `sub`)."""
    display_name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    """In lower case."""
    role: Mapped[str] = mapped_column(String(32))
    department_id: Mapped[str | None] = mapped_column(ForeignKey("departments.id", ondelete="SET NULL"))
    is_active: Mapped[bool] = mapped_column(default=True)

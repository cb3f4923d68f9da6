"""Who there is: people and departments."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed


class Department(Identified, Timed, Base):
    """Departments stand side by side; none lies within another."""

    __tablename__ = "departments"
    __table_args__ = (Index(None, "code", unique=True),)

    name: Mapped[str] = mapped_column(String(200), unique=True)
    code: Mapped[str | None] = mapped_column(String(64))
    """What other systems call it: a cost centre, a number."""
    default_tier: Mapped[str | None] = mapped_column(String(32))
    """Of its people's new keys and sessions; NULL: the gateway's own."""
    models: Mapped[list[str] | None]
    """What its people may call at most, with `*` as wildcard; NULL or empty: everything."""


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
    erased_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When everything that tells who this was has been removed, for ever."""

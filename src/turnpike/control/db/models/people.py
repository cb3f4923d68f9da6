"""How people get here beside being added by hand: invitations, and provisioning by an identity provider (SCIM)."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed
from turnpike.control.db.models.signin import PERSONAL
from turnpike.kit.clock import now_ms


class Invitation(Identified, Base):
    """Somebody may come in with this e-mail, once, and is then of this role and department."""

    __tablename__ = "invitations"
    __table_args__ = (Index(None, "email"), Index(None, "user_id"), Index(None, "created_at_ms"))

    email: Mapped[str] = mapped_column(String(254))
    """In lower case."""
    role: Mapped[str] = mapped_column(String(32))
    department_id: Mapped[str | None] = mapped_column(ForeignKey("departments.id", ondelete="SET NULL"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Of the link's token."""
    invited_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """NULL: the operator of the machine."""
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires_at_ms: Mapped[int] = mapped_column(BigInteger)
    accepted_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """Who accepted it."""


class ScimToken(Identified, Base):
    """What an identity provider shows to provision people; good for nothing else."""

    __tablename__ = "scim_tokens"

    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(16))
    """The first characters, for people to tell tokens apart."""
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    role: Mapped[str] = mapped_column(String(32))
    """Of who made it: its client acts on nobody above."""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    last_used_at_ms: Mapped[int | None] = mapped_column(BigInteger)


class ScimUser(Timed, Base):
    """What an identity provider says of a person beyond what a user has."""

    __tablename__ = "scim_users"
    __table_args__ = (Index(None, "external_id"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    user_name: Mapped[str] = mapped_column(String(255), info=PERSONAL)
    user_name_key: Mapped[str] = mapped_column(String(255), unique=True, info=PERSONAL)
    """As it is compared: in lower case, normalised."""
    external_id: Mapped[str | None] = mapped_column(String(255), info=PERSONAL)
    document: Mapped[str] = mapped_column(Text)
    """The resource as JSON, without what stands in columns."""
    deleted_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """The provider deleted the person: it never sees them again."""


class ScimGroup(Identified, Timed, Base):
    __tablename__ = "scim_groups"
    __table_args__ = (Index(None, "name_key"),)

    display_name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(255))
    """As it is compared."""
    external_id: Mapped[str | None] = mapped_column(String(255))


class ScimMember(Base):
    __tablename__ = "scim_members"
    __table_args__ = (Index(None, "user_id"),)

    group_id: Mapped[str] = mapped_column(ForeignKey("scim_groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class ScimMapping(Identified, Timed, Base):
    """What being in a group of that name gives."""

    __tablename__ = "scim_mappings"

    group_name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(255), unique=True)
    role: Mapped[str | None] = mapped_column(String(32))
    department_id: Mapped[str | None] = mapped_column(ForeignKey("departments.id", ondelete="SET NULL"))

"""How people come in: sessions and their tokens, passwords, one-time links, trusted issuers, our own signing keys.

Nothing here lets anybody in who has read it: tokens are digests, passwords Argon2 hashes, keys and secrets sealed.
"""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Identified, Timed
from turnpike.kit.clock import now_ms

PERSONAL: dict[str, Any] = {"personal": True}
"""Tells of a person: the audit log keeps it apart from its chain, where it can be erased."""


class SigningKey(Identified, Base):
    """The id is the `kid`. Published from the moment it is there until `gone_at_ms`."""

    __tablename__ = "signing_keys"

    public_jwk: Mapped[dict[str, Any]]
    sealed: Mapped[str] = mapped_column(Text)
    """The private JWK."""
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    signs_from_ms: Mapped[int] = mapped_column(BigInteger)
    gone_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    """From then on it is neither published nor believed; NULL: it has no successor yet."""


class Session(Identified, Base):
    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"), Index(None, "issuer_id", "issuer_subject"), Index(None, "expires_at_ms"))

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    """Of the cookie; NULL for a session that works by tokens."""
    method: Mapped[str] = mapped_column(String(64))
    """`local`, `link`, or the issuer's slug."""
    issuer_id: Mapped[str | None] = mapped_column(ForeignKey("issuers.id", ondelete="SET NULL"))
    issuer_subject: Mapped[str | None] = mapped_column(String(255), info=PERSONAL)
    issuer_sid: Mapped[str | None] = mapped_column(String(255), info=PERSONAL)
    sealed_id_token: Mapped[str | None] = mapped_column(Text)
    """What the issuer wants to see when the person signs out there too."""
    agent: Mapped[str] = mapped_column(String(300), info=PERSONAL)
    address: Mapped[str] = mapped_column(String(64), info=PERSONAL)
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    last_seen_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires_at_ms: Mapped[int] = mapped_column(BigInteger)
    ended_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    ended_because: Mapped[str | None] = mapped_column(String(32))


class RefreshToken(Identified, Base):
    """A family of them is what belongs to one session."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id"),)

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    used_at_ms: Mapped[int | None] = mapped_column(BigInteger)


class Password(Base):
    """That a person has a local account."""

    __tablename__ = "passwords"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(255))
    changed_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)


class EntryLink(Identified, Base):
    """A one-time link by which a person sets a password."""

    __tablename__ = "entry_links"
    __table_args__ = (Index(None, "user_id"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    expires_at_ms: Mapped[int] = mapped_column(BigInteger)


class SignInThrottle(Base):
    """Failures of an account or an address; the name is a keyed digest."""

    __tablename__ = "sign_in_throttle"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    since_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    blocked_until_ms: Mapped[int] = mapped_column(BigInteger)


class Issuer(Identified, Timed, Base):
    """An OpenID provider whose word is believed."""

    __tablename__ = "issuers"

    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32))
    issuer: Mapped[str] = mapped_column(String(500))
    """As it stands in its tokens, to the letter."""
    client_id: Mapped[str] = mapped_column(String(255))
    sealed_secret: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(default=True)
    config: Mapped[dict[str, Any]]
    """turnpike.control.oidc.config.IssuerConfig."""


class UserIdentity(Identified, Base):
    """Who somebody is at an issuer."""

    __tablename__ = "user_identities"
    __table_args__ = (UniqueConstraint("issuer_id", "subject"), Index(None, "user_id"))

    issuer_id: Mapped[str] = mapped_column(ForeignKey("issuers.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(255), info=PERSONAL)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)

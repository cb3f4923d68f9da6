"""Who somebody is, by an issuer's claims: what of them counts here, and which user that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from sqlalchemy import select

from turnpike.control.db.models import User, UserIdentity
from turnpike.control.db.sessions import ReadSession
from turnpike.control.oidc.config import IssuerConfig
from turnpike.control.oidc.tokens import Trusted
from turnpike.errors import Forbidden, Unauthenticated

MAX_EMAIL = 254


@dataclass(frozen=True)
class Person:
    """What an issuer says of somebody, as far as it counts here."""

    subject: str
    name: str
    email: str | None
    """In lower case, and verified: another is nobody's proof of anything."""


def read_person(trusted: Trusted, claims: Mapping[str, Any]) -> Person:
    """Raises Unauthenticated when there is nothing to know the person by."""
    subject = claims.get(trusted.config.subject_claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Unauthenticated(f"The issuer's token has no {trusted.config.subject_claim}.")
    email = verified_email(trusted.config, claims)
    name = next((claims[key] for key in ("name", "preferred_username", "email") if _text(claims.get(key))), subject)
    return Person(subject, "".join(each for each in name if each.isprintable())[:200] or subject, email)


def verified_email(config: IssuerConfig, claims: Mapping[str, Any]) -> str | None:
    """`xms_edov` is Entra ID's word for it."""
    email = claims.get("email")
    if not _text(email) or len(email) > MAX_EMAIL or email.count("@") != 1 or not email.isprintable() or " " in email:
        return None
    said = [claims.get(name) for name in ("email_verified", "xms_edov")]
    verified = config.trust_email or any(value in (True, "true", 1, "1") for value in said)
    return email.lower() if verified else None


def _text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def check_domain(config: IssuerConfig, person: Person) -> None:
    """Raises Forbidden."""
    domains = {domain.lower().lstrip("@") for domain in config.email_domains}
    if domains and (person.email is None or person.email.partition("@")[2] not in domains):
        raise Forbidden("Only people with a verified e-mail of certain domains may come in by this issuer.")


async def user_of(session: ReadSession, trusted: Trusted, person: Person, *, by_email: bool) -> User | None:
    """Who it is here: known at this issuer, entered by an administrator under this subject, or of this e-mail."""
    known = (
        select(User)
        .join(UserIdentity, UserIdentity.user_id == User.id)
        .where(UserIdentity.issuer_id == trusted.id, UserIdentity.subject == person.subject)
    )
    user = (await session.scalars(known)).first()
    if user is not None:
        return user
    if trusted.config.link_by_subject:
        user = (await session.scalars(select(User).where(User.ext_subject == person.subject))).first()
    if user is None and by_email and person.email is not None:
        user = (await session.scalars(select(User).where(User.email == person.email))).first()
    return user

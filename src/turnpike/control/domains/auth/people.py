"""From an issuer's claims to a user: who it is, who may come in, and what role and department the rules give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select

from turnpike.control.db.models import User, UserIdentity
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.identity.roles import ROLES
from turnpike.control.oidc.config import IssuerConfig, Rule
from turnpike.control.oidc.tokens import Trusted
from turnpike.errors import Forbidden, Unauthenticated

MAX_EMAIL = 254
log = structlog.get_logger()


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


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def check_domain(config: IssuerConfig, person: Person) -> None:
    """Raises Forbidden."""
    domains = {domain.lower().lstrip("@") for domain in config.email_domains}
    if domains and (person.email is None or person.email.partition("@")[2] not in domains):
        raise Forbidden("Only people with a verified e-mail of certain domains may come in by this issuer.")


def fitting(rules: Iterable[Rule], claims: Mapping[str, Any]) -> list[Rule]:
    return [rule for rule in rules if rule.value in _values(claims.get(rule.claim))]


def _values(found: Any) -> list[str]:
    if isinstance(found, list):
        return [str(each) for each in found]
    return [] if found is None else [str(found).lower() if isinstance(found, bool) else str(found)]


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


async def admit(session: WriteSession, trusted: Trusted, claims: Mapping[str, Any]) -> User:
    """The user who signs in, made or brought up to date. Raises Forbidden or Unauthenticated."""
    config = trusted.config
    person = read_person(trusted, claims)
    check_domain(config, person)
    rules = fitting(config.rules, claims)
    if config.require_rule and not rules:
        raise Forbidden("This issuer's people come in by group or role, and this person has none of those.")
    user = await user_of(session, trusted, person, by_email=config.link_by_email)
    if user is None:
        user = await _make(session, config, person)
    if not user.is_active:
        raise Forbidden("This user is not active: ask an administrator.")
    await _remember(session, trusted, person, user)
    await _apply(session, config, rules, user)
    return user


async def _make(session: WriteSession, config: IssuerConfig, person: Person) -> User:
    if not config.create_users:
        raise Forbidden("Nobody of this name is known here, and this issuer does not bring new people.")
    taken = person.email is not None and (
        (await session.scalars(select(User.id).where(User.email == person.email))).first() is not None
    )
    user = User(display_name=person.name, email=None if taken else person.email, role=config.default_role)
    session.add(user)
    await session.flush()
    return user


async def _remember(session: WriteSession, trusted: Trusted, person: Person, user: User) -> None:
    condition = (UserIdentity.issuer_id == trusted.id, UserIdentity.subject == person.subject)
    if (await session.scalars(select(UserIdentity.id).where(*condition))).first() is None:
        session.add(UserIdentity(issuer_id=trusted.id, subject=person.subject, user_id=user.id))
        await session.flush()


async def _apply(session: WriteSession, config: IssuerConfig, rules: list[Rule], user: User) -> None:
    """Roles are the issuer's to give only where a rule gives any; departments likewise."""
    values: dict[str, Any] = {}
    if any(rule.role is not None for rule in config.rules):
        given = [rule.role for rule in rules if rule.role is not None]
        values["role"] = max(given, key=ROLES.index) if given else config.default_role
    department = next((rule.department_id for rule in rules if rule.department_id is not None), None)
    if department is not None:
        values["department_id"] = department
    refused = await identity.apply_mapping(session, user, values)
    if refused:
        log.warning("mapping_not_applied", user_id=user.id, reason=refused)

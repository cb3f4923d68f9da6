"""What an issuer's word makes of a person here: who may come in, and what role and department the rules give."""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from sqlalchemy import select

from turnpike.control.db.models import User, UserIdentity
from turnpike.control.db.sessions import WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.identity import telling
from turnpike.control.domains.invitations import service as invitations
from turnpike.control.domains.roles import service as roles
from turnpike.control.oidc.config import IssuerConfig, Rule
from turnpike.control.oidc.persons import Person, check_domain, read_person, user_of
from turnpike.control.oidc.tokens import Trusted
from turnpike.errors import Forbidden

log = structlog.get_logger()


def fitting(rules: Iterable[Rule], claims: Mapping[str, Any]) -> list[Rule]:
    return [rule for rule in rules if rule.value in _values(claims.get(rule.claim))]


def _values(found: Any) -> list[str]:
    if isinstance(found, list):
        return [str(each) for each in found]
    return [] if found is None else [str(found).lower() if isinstance(found, bool) else str(found)]


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
        user = await invitations.accept_by_email(session, trusted, person) or await _make(session, config, person)
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
    telling.created(session, user)
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
        values["role"] = await roles.highest(session, given) or config.default_role
    department = next((rule.department_id for rule in rules if rule.department_id is not None), None)
    if department is not None:
        values["department_id"] = department
    refused = await identity.apply_mapping(session, user, values)
    if refused:
        log.warning("mapping_not_applied", user_id=user.id, reason=refused)

"""What may be done with invitations, and by whom.

Nobody invites somebody to more than they have themselves: administrators to roles up to their own, a department's
administrator into the own department. A link's token is shown once, stored as a keyed digest, and works once, while
whoever invited may still give what it gives.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from turnpike.contract.access import Role
from turnpike.contract.grants import key_digest
from turnpike.control.db.models import Invitation, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.identity import telling
from turnpike.control.domains.invitations import repository
from turnpike.control.domains.invitations.repository import InvitationFilter
from turnpike.control.domains.roles import service as roles
from turnpike.control.oidc.persons import Person
from turnpike.control.oidc.tokens import Trusted
from turnpike.control.rights.permissions import Permission, Rights
from turnpike.control.rights.policy import AllData, DepartmentData, Target, covers, decide, everything, holds
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unauthenticated
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text
from turnpike.kit.pagination import Page, parse_sort

PREFIX = "tpi-"
DEAD = "This invitation is unknown, used, taken back or over: ask whoever invited you for a new one."
_BY_ANY_ISSUER = frozenset((Role.USER, Role.DEPARTMENT_ADMIN))
HOUR_MS = 3_600_000


class Made(NamedTuple):
    row: Invitation
    token: str

    def __repr__(self) -> str:
        return f"Made({self.row.id})"


class Inviter(NamedTuple):
    """As policy.Who has it."""

    user_id: str | None
    department_id: str | None
    rights: Rights


async def check_inviter(session: ReadSession, actor: Principal, role: str, department_id: str | None) -> None:
    """Raises Forbidden or InvalidRequest."""
    if not holds(actor.scope, Target(None, department_id)):
        raise Forbidden("You may invite into your own department only.", details={"param": "department_id"})
    await identity.check_giving(session, actor, role, f"Inviting a {role}")


def visible(actor: Principal, wanted: InvitationFilter) -> InvitationFilter:
    """What of the list somebody may see. Raises Forbidden."""
    match actor.scope:
        case AllData():
            return wanted
        case DepartmentData(_, department_ids):
            return InvitationFilter(wanted.search, wanted.status, department_ids[0])
        case _:
            raise Forbidden("Invitations are for those to see who look after a department.")


async def find(
    session: ReadSession, wanted: InvitationFilter, sort: str | None, page: Page
) -> tuple[Sequence[Invitation], int]:
    return await repository.find(session, wanted, parse_sort(sort, repository.ORDER, "-created_at"), page)


async def get(session: ReadSession, actor: Principal, invitation_id: str) -> Invitation:
    """Raises NotFound, for what is not the actor's to see as well, or Forbidden."""
    wanted = visible(actor, InvitationFilter())
    row = await repository.get(session, invitation_id)
    if row is None or wanted.department_id not in (None, row.department_id):
        raise NotFound(f"There is no invitation {invitation_id}.")
    return row


async def create(session: WriteSession, actor: Principal, values: dict[str, Any], pepper: bytes, hours: float) -> Made:
    """Takes back earlier invitations of the same address. Raises Forbidden, Conflict or NotFound."""
    email, role, department_id = values["email"], values["role"], values["department_id"]
    if department_id is None and isinstance(actor.scope, DepartmentData):
        department_id = actor.scope.department_ids[0]
    await check_inviter(session, actor, role, department_id)
    if await identity.user_with_email(session, email) is not None:
        raise Conflict(
            "Somebody here has this e-mail already; a one-time link lets them in.", details={"param": "email"}
        )
    if department_id is not None:
        await identity.get_department(session, actor.scope, department_id)
    for earlier in await repository.open_for(session, email):
        await check_inviter(session, actor, earlier.role, earlier.department_id)
        earlier.revoked_at_ms = now_ms()
    token = PREFIX + random_text(256)
    row = Invitation(
        email=email,
        role=role,
        department_id=department_id,
        digest=key_digest(token.encode(), pepper),
        invited_by=actor.user_id,
        expires_at_ms=now_ms() + int(hours * HOUR_MS),
    )
    session.add(row)
    await session.flush()
    return Made(row, token)


async def revoke(session: WriteSession, actor: Principal, invitation_id: str) -> Invitation:
    """Raises NotFound, Forbidden or Conflict."""
    row = await get(session, actor, invitation_id)
    await check_inviter(session, actor, row.role, row.department_id)
    if row.accepted_at_ms is not None:
        raise Conflict("This invitation was accepted; switch the person off instead.", details={"user_id": row.user_id})
    if row.revoked_at_ms is None:
        row.revoked_at_ms = now_ms()
        await session.flush()
    return row


# ---- accepting


async def look_at(session: ReadSession, token: str, pepper: bytes) -> Invitation:
    """The invitation that a token is of. Raises Unauthenticated for one that does not work."""
    row = await repository.open_with(session, key_digest(token.encode(), pepper))
    if row is None or not await _still_given(session, row):
        raise Unauthenticated(DEAD)
    return row


async def accept(session: WriteSession, token: str, pepper: bytes, display_name: str | None) -> User:
    """The person that the token's bearer becomes. Raises Unauthenticated or Conflict."""
    row = await repository.locked(session, Invitation.digest == key_digest(token.encode(), pepper))
    if row is None or not await _still_given(session, row):
        raise Unauthenticated(DEAD)
    return await _become(session, row, display_name or row.email.partition("@")[0])


async def accept_by_email(session: WriteSession, trusted: Trusted, person: Person) -> User | None:
    """The person that an issuer vouches for, if an invitation waits for this verified e-mail.

    An invitation to administer takes an issuer that may stand for people who are known here: another might be one that
    says of anybody what it likes.
    """
    if person.email is None:
        return None
    row = await repository.locked(session, Invitation.email == person.email)
    if row is None or not (row.role in _BY_ANY_ISSUER or trusted.config.link_by_email):
        return None
    if not await _still_given(session, row):
        return None
    return await _become(session, row, person.name)


async def _still_given(session: ReadSession, row: Invitation) -> bool:
    """Whether whoever invited might do so now: their role or department may be another by then. The operator may."""
    if row.invited_by is None:
        return True
    inviter = await identity.get_user(session, everything("who invited whoever comes"), row.invited_by)
    now = Inviter(inviter.id, inviter.department_id, await roles.rights_held(session, inviter.role))
    may = decide(now, Permission.MANAGE_USERS, Target(None, row.department_id)).allowed
    return inviter.is_active and may and covers(now.rights, await roles.rights_held(session, row.role))


async def _become(session: WriteSession, row: Invitation, display_name: str) -> User:
    if await identity.user_with_email(session, row.email) is not None:
        raise Conflict("Somebody here has this e-mail by now: sign in instead.", details={"param": "email"})
    user = User(display_name=display_name, email=row.email, role=row.role, department_id=row.department_id)
    session.add(user)
    await session.flush()
    telling.created(session, user)
    row.accepted_at_ms, row.user_id = now_ms(), user.id
    await session.flush()
    return user


def check_email(row: Invitation, email: str | None) -> None:
    """Raises InvalidRequest."""
    if email not in (None, row.email):
        raise InvalidRequest("email: the invitation is for another address.", details={"param": "email"})

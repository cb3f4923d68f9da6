"""/api/v1/invitations: for who may invite; and accepting one, which is for whoever has its link."""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from turnpike.control.db.models import Invitation
from turnpike.control.domains.auth.local import LINK_PAGE, LocalAccounts
from turnpike.control.domains.auth.routes import signed_in, visitor_of
from turnpike.control.domains.auth.schemas import Mode, SignedInView
from turnpike.control.domains.invitations import service
from turnpike.control.domains.invitations.repository import InvitationFilter
from turnpike.control.domains.invitations.schemas import (
    AcceptBody,
    InvitationBody,
    InvitationView,
    NewInvitationView,
    view_invitation,
    view_new,
)
from turnpike.control.infra.mail import Mail, MailFailed
from turnpike.control.rights.permissions import Permission
from turnpike.control.services import ControlServices
from turnpike.control.signin.sessions import Proof
from turnpike.control.web.cookies import check_origin
from turnpike.control.web.database import Reading, Transaction, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Public, Services

log = structlog.get_logger()
router = APIRouter(prefix="/api/v1/invitations", tags=["users"])
Inviter = Annotated[Principal, Depends(May(Permission.MANAGE_USERS))]
SHOWN_ONCE = "Give this link to nobody but the person who is invited: it works once, and is not shown again."
_MAIL = """Somebody invites you to use the AI gateway at {base}.

Open this link to choose a password and come in. It works once, until {until}:

{url}

If you sign in through your company's own sign-in, you may do that instead, with this e-mail address.
If you did not expect this, leave it: nothing happens then.
"""


@router.get("")
async def list_invitations(
    actor: Inviter,
    session: Reading,
    page: Paged,
    search: Search = None,
    status: Literal["open", "accepted", "revoked", "expired"] | None = None,
    department_id: Annotated[str | None, Query(pattern=UUID)] = None,
    sort: Sort = None,
) -> Envelope[list[InvitationView]]:
    """For administrators all, for a department's administrator those into it. `search` looks in addresses; sorted by
    created_at, expires_at or email."""
    wanted = InvitationFilter(search, status, department_id.lower() if department_id else None)
    rows, total = await service.find(session, service.visible(actor, wanted), sort, page)
    return page_of([view_invitation(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_invitation(
    actor: Inviter, control: Services, begin: Transaction, body: InvitationBody
) -> Envelope[NewInvitationView]:
    """A one-time link for somebody who is not here yet; an earlier one for the same address is taken back. It is
    accepted by its link, or by the first sign-in through an issuer with the same verified e-mail."""
    values = {"email": body.email, "role": body.role, "department_id": body.department_id}
    hours = body.hours or control.settings.invitation_hours
    base = control.settings.web_url
    async with begin() as (session, claim):
        row, token = await service.create(session, actor, values, control.sealer.keyring.pepper, hours)
        path = f"{LINK_PAGE}#{token}"
        url = f"{base}{path}" if base else None
        answer = ok(view_new(row, path, url, mailed=False), SHOWN_ONCE)
    if url is None or not await _mail(control, _mail_of(row, base, url)):
        return answer
    answer = ok(view_new(row, path, url, mailed=True), SHOWN_ONCE)
    if claim is not None:
        async with control.database.write() as session:
            await claim.keep_answer(session)
    return answer


def _mail_of(row: Invitation, base: str | None, url: str) -> Mail:
    until = view_invitation(row).model_dump(mode="json")["expires_at"]
    text = _MAIL.format(base=base, until=until, url=url)
    return Mail((row.email,), "You are invited to an AI gateway", text, row.id)


async def _mail(control: ControlServices, mail: Mail) -> bool:
    """Whether it was sent: the link is shown all the same."""
    if not control.mailer.configured:
        return False
    try:
        await control.mailer.send(mail)
    except MailFailed as error:
        log.warning("invitation_not_mailed", reason=error.message)
        return False
    return True


@router.post("/accept", dependencies=[Depends(Public())])
async def accept_invitation(
    request: Request, response: Response, control: Services, body: AcceptBody
) -> Envelope[SignedInView]:
    """Makes the person who was invited, with this password, and signs them in."""
    check_origin(request, control.settings)
    pepper = control.sealer.keyring.pepper
    async with control.database.read() as session:
        row = await service.look_at(session, body.token, pepper)
    service.check_email(row, body.email)
    accounts = LocalAccounts(control)
    hashed = await accounts.first_password(body.password.get_secret_value(), row.email, body.display_name)
    await control.signin.tokens.ready()
    async with control.database.write() as session:
        user = await service.accept(session, body.token, pepper, body.display_name)
        await accounts.set_first(session, user, hashed)
        visitor = visitor_of(request)
        opened = await control.signin.sessions.open(
            session, user, Proof("invitation"), visitor, by_cookie=body.mode is Mode.COOKIE
        )
    return ok(signed_in(opened, response, control))


@router.get("/{invitation_id}")
async def get_invitation(actor: Inviter, session: Reading, invitation_id: PathId) -> Envelope[InvitationView]:
    return ok(view_invitation(await service.get(session, actor, invitation_id.lower())))


@router.delete("/{invitation_id}")
async def revoke_invitation(actor: Inviter, session: Writing, invitation_id: PathId) -> Envelope[InvitationView]:
    """Its link works no more, nor does a sign-in with its address make anybody."""
    row = await service.revoke(session, actor, invitation_id.lower())
    return ok(view_invitation(row), "The invitation is taken back.")

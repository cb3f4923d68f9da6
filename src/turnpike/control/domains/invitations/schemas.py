"""Bodies and answers of /api/v1/invitations."""

from pydantic import Field

from turnpike.contract.access import Role
from turnpike.control.db.models import Invitation
from turnpike.control.domains.auth.schemas import Mode, Password, Token
from turnpike.control.domains.identity.schemas import Email
from turnpike.control.domains.invitations.repository import status_of
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import Body, Name, UserId, View


class InvitationBody(Body):
    email: Email
    role: Role = Role.USER
    department_id: UserId | None = Field(
        default=None, description="Without it none; for a department's administrator the own one."
    )
    hours: float | None = Field(
        default=None, gt=0, le=2160, description="Its life; without it TURNPIKE_INVITATION_HOURS."
    )


class AcceptBody(Body):
    token: Token
    password: Password = Field(description="To sign in with from now on, with the e-mail that was invited.")
    display_name: Name | None = None
    email: Email | None = Field(default=None, description="Not needed; if given, the address that was invited.")
    mode: Mode = Mode.COOKIE


class InvitationView(View):
    id: str
    email: str
    role: str
    department_id: str | None
    status: str = Field(description="open, accepted, revoked or expired")
    invited_by: str | None = Field(description="User id; null for the operator of the machine.")
    user_id: str | None = Field(description="Who accepted it.")
    created_at: Moment
    expires_at: Moment
    accepted_at: Moment | None
    revoked_at: Moment | None


class NewInvitationView(InvitationView):
    path: str = Field(description="The link without the gateway's address.")
    url: str | None = Field(description="The whole link; null where TURNPIKE_PUBLIC_URL would have to say the address.")
    mailed: bool = Field(description="Whether the link was sent to the address.")


def view_invitation(row: Invitation) -> InvitationView:
    return InvitationView(
        id=row.id,
        email=row.email,
        role=row.role,
        department_id=row.department_id,
        status=status_of(row),
        invited_by=row.invited_by,
        user_id=row.user_id,
        created_at=moment(row.created_at_ms),
        expires_at=moment(row.expires_at_ms),
        accepted_at=moment_or_none(row.accepted_at_ms),
        revoked_at=moment_or_none(row.revoked_at_ms),
    )


def view_new(row: Invitation, path: str, url: str | None, *, mailed: bool) -> NewInvitationView:
    return NewInvitationView(**view_invitation(row).model_dump(), path=path, url=url, mailed=mailed)

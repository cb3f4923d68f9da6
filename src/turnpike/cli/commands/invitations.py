"""`turnpike users invite` and `turnpike invitations`: one-time links for people who are not here yet."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_department
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.contract.access import Role
from turnpike.errors import NotFound

PATH = "/api/v1/invitations"


def invite(
    email: Annotated[str, Parameter(help="Whom: an e-mail that nobody here has.")],
    /,
    *,
    role: Annotated[Role, Parameter(help="What the person may do.")] = Role.USER,
    department: Annotated[str | None, Parameter(help="Id, name or code of the department.")] = None,
    hours: Annotated[float | None, Parameter(help="Life of the link. Default: TURNPIKE_INVITATION_HOURS.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make a one-time link for somebody new, and mail it where mail is set up."""

    async def work(control: Control) -> None:
        body: dict[str, Any] = {"email": email, "role": role.value}
        body.update({"hours": hours} if hours is not None else {})
        if department is not None:
            body["department_id"] = (await find_department(control, department))["id"]
        made = (await control.post(PATH, body)).data
        Output(common).result(
            made,
            f"Invited [bold]{cell(made['email'])}[/bold]{', by mail too' if made['mailed'] else ''}; this link works "
            f"once, until {cell(made['expires_at'])}:",
            "",
            f"  {cell(made['url'] or made['path'])}",
        )

    with_control(common, work)


def list_invitations(
    *,
    status: Annotated[
        Literal["open", "accepted", "revoked", "expired", "all"], Parameter(help="Which of them.")
    ] = "open",
    common: Common = DEFAULT,
) -> None:
    """List invitations."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH, status=None if status == "all" else status),
            (
                ("E-MAIL", field("email")),
                ("ROLE", field("role")),
                ("STATUS", field("status")),
                ("SINCE", when("created_at")),
                ("UNTIL", when("expires_at")),
                ("ID", field("id")),
            ),
            empty="Nobody is invited: turnpike users invite ADDRESS",
        )

    with_control(common, work)


def revoke(
    invitation: Annotated[str, Parameter(help="Id or e-mail, as `invitations list` shows them.")],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Take an invitation back."""

    async def work(control: Control) -> None:
        rows = await control.rows(PATH, status="open")
        found = [row for row in rows if invitation == row["id"] or invitation.lower() == row["email"]]
        if not found:
            raise NotFound(f"no open invitation {invitation!r}; `turnpike invitations list` shows those that there are")
        gone = (await control.delete(f"{PATH}/{found[0]['id']}")).data
        Output(common).result(gone, f"Took back the invitation of {cell(gone['email'])}.")

    with_control(common, work)

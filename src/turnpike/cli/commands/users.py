"""`turnpike users`: people, their roles, and the links that let them in."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import USERS, find_department, find_user
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.contract.access import Role

LINKS = "/api/v1/auth/links"

UserName = Annotated[str, Parameter(help="Id, e-mail or name, as `users list` shows them.")]


def add(
    name: Annotated[str, Parameter(help="The person's name.")],
    /,
    *,
    email: Annotated[str | None, Parameter(help="E-mail, by which a local account signs in.")] = None,
    role: Annotated[str, Parameter(help="What the person may do, as `roles list` shows them.")] = Role.USER.value,
    department: Annotated[str | None, Parameter(help="Id or name of the department.")] = None,
    link: Annotated[
        bool, Parameter(negative="", show_default=False, help="Make a one-time link to set a password with.")
    ] = False,
    common: Common = DEFAULT,
) -> None:
    """Add a person."""

    async def work(control: Control) -> None:
        body: dict[str, Any] = {"display_name": name, "role": role}
        body.update({"email": email} if email else {})
        body.update({"department_id": (await find_department(control, department))["id"]} if department else {})
        made = (await control.post(USERS, body)).data
        lines = [f"Added [bold]{cell(made['display_name'])}[/bold], {cell(made['role'])}: {made['id']}"]
        if link:
            made["link"] = (await control.post(LINKS, {"user_id": made["id"]})).data
            lines += _link_lines(made["link"])
        Output(common).result(made, *lines)

    with_control(common, work)


def list_users(
    *,
    all_users: Annotated[bool, Parameter(name="--all", negative="", help="Those too that are not active.")] = False,
    role: Annotated[str | None, Parameter(help="Of this role only.")] = None,
    common: Common = DEFAULT,
) -> None:
    """List people."""

    async def work(control: Control) -> None:
        active = None if all_users else "true"
        rows = await control.rows(USERS, is_active=active, role=role)
        Output(common).table(
            rows,
            (
                ("NAME", field("display_name")),
                ("E-MAIL", field("email")),
                ("ROLE", field("role")),
                ("ACTIVE", field("is_active")),
                ("SINCE", when("created_at")),
                ("ID", field("id")),
            ),
            empty="Nobody is here yet: turnpike users add NAME --email ADDRESS --link",
        )

    with_control(common, work)


def make_link(user: UserName, /, *, common: Common = DEFAULT) -> None:
    """Make a one-time link that lets a person in to set a password."""

    async def work(control: Control) -> None:
        found = await find_user(control, user)
        made = (await control.post(LINKS, {"user_id": found["id"]})).data
        Output(common).result(made, *_link_lines(made))

    with_control(common, work)


def _link_lines(link: dict[str, Any]) -> list[str]:
    return [
        f"A link for this person alone; it works once, until {cell(link['expires_at'])}:",
        "",
        f"  {cell(link['url'] or link['path'])}",
    ]


def deactivate(user: UserName, /, *, common: Common = DEFAULT) -> None:
    """Let a person and all of their keys and sessions in no more, within a second."""
    _change(user, {"is_active": False}, "{} is not active any more; sessions have ended, keys are revoked.", common)


def activate(user: UserName, /, *, common: Common = DEFAULT) -> None:
    """Let a person in again."""
    _change(
        user, {"is_active": True}, "{} is active again, without keys and sessions: those that ended stay so.", common
    )


def set_role(
    user: UserName,
    role: Annotated[str, Parameter(help="The new role, as `roles list` shows them.")],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Give a person another role, at work within a second."""
    _change(user, {"role": role}, f"{{}} is now {role}.", common)


def _change(user: str, body: dict[str, Any], said: str, common: Common) -> None:
    async def work(control: Control) -> None:
        found = await find_user(control, user)
        changed = (await control.patch(f"{USERS}/{found['id']}", body)).data
        Output(common).result(changed, said.format(cell(changed["display_name"])))

    with_control(common, work)

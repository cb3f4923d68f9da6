"""`turnpike roles`: list, set, remove."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

PATH = "/api/v1/roles"
DEFAULT_REACH = "own_data"
RoleRef = Annotated[str, Parameter(help="Its name.")]


def list_roles(
    *,
    permissions: Annotated[
        bool, Parameter(negative="", show_default=False, help="All permissions that roles are made of, instead.")
    ] = False,
    common: Common = DEFAULT,
) -> None:
    """List roles."""

    async def work(control: Control) -> None:
        if permissions:
            rows: list[dict[str, Any]] = (await control.get(f"{PATH}/permissions")).data
            columns = (("PERMISSION", field("name")), ("WHAT", field("description")))
        else:
            rows = await control.rows(PATH)
            columns = (("NAME", field("name")), ("WHAT", field("description")), ("PERMISSIONS", _permissions))
        Output(common).table(rows, columns, empty="There is no role.")

    with_control(common, work)


def _permissions(row: Row) -> str:
    held: dict[str, str] = row["permissions"]
    if row["built_in"] and len(held) > 20:
        return f"{len(held)} permissions"
    return ", ".join(f"{name}={reach}" for name, reach in held.items())


def set_role(
    name: RoleRef,
    /,
    *,
    permission: Annotated[
        list[str],
        Parameter(negative="", help="permission=own_data, =department_data or =all_data; alone: own_data."),
    ],
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make a role of permissions, or change it."""
    body: dict[str, Any] = {"permissions": _read(words(permission))}
    body.update({"description": description} if description else {})

    async def work(control: Control) -> None:
        made = (await control.call("PUT", f"{PATH}/{name}", body=body)).data
        Output(common).result(made, f"The role [bold]{cell(made['name'])}[/bold]: {cell(_permissions(made))}")

    with_control(common, work)


def _read(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        permission, _, reach = text.partition("=")
        if permission in found:
            raise InvalidRequest(f"--permission {permission} is given twice")
        found[permission] = reach or DEFAULT_REACH
    return found


def remove(name: RoleRef, /, *, common: Common = DEFAULT) -> None:
    """Take a role away that nobody has."""

    async def work(control: Control) -> None:
        gone = (await control.delete(f"{PATH}/{name}")).data
        Output(common).result(gone, f"The role {cell(gone['name'])} is gone.")

    with_control(common, work)

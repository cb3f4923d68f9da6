"""`turnpike scim`: tokens of identity providers, and what their groups give."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_department
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import moment
from turnpike.contract.access import Role
from turnpike.errors import InvalidRequest, NotFound

TOKENS = "/api/v1/scim/tokens"
MAPPINGS = "/api/v1/scim/mappings"


def add_token(
    name: Annotated[str, Parameter(help="Which identity provider has it.")],
    /,
    *,
    expires: Annotated[str | None, Parameter(help="30d, 12h, a date such as 2030-01-31, or never.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make a token for an identity provider and show it once."""

    async def work(control: Control) -> None:
        body: dict[str, Any] = {"name": name} | ({"expires_at": moment(expires)} if expires is not None else {})
        made = (await control.post(TOKENS, body)).data
        Output(common).result(
            made,
            f"SCIM token [bold]{cell(name)}[/bold], shown this once:",
            "",
            f"  {made['token']}",
            "",
            f"for {cell(made['base_url'] or '<address of this gateway>/scim/v2')}; id {made['id']}",
        )

    with_control(common, work)


def list_tokens(*, common: Common = DEFAULT) -> None:
    """List tokens for SCIM."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(TOKENS),
            (
                ("NAME", field("name")),
                ("TOKEN", field("prefix")),
                ("STATUS", field("status")),
                ("ACTS AS", field("role")),
                ("LAST USED", when("last_used_at")),
                ("EXPIRES", when("expires_at")),
                ("ID", field("id")),
            ),
            empty="No SCIM token yet: turnpike scim token add NAME",
        )

    with_control(common, work)


def revoke_token(
    token: Annotated[str, Parameter(help="Id, name or first characters, as `scim token list` shows them.")],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Make a token for SCIM unknown, at once and for good."""

    async def work(control: Control) -> None:
        rows = [row for row in await control.rows(TOKENS) if row["status"] == "active"]
        found = _one(rows, token, ("id", "name", "prefix"), "active SCIM token", "scim token list")
        gone = (await control.delete(f"{TOKENS}/{found['id']}")).data
        Output(common).result(gone, f"Revoked {cell(gone['name'])}.")

    with_control(common, work)


def add_mapping(
    group: Annotated[str, Parameter(help="The group's name at the identity provider.")],
    /,
    *,
    role: Annotated[Role | None, Parameter(help="Role that being in it gives.")] = None,
    department: Annotated[str | None, Parameter(help="Department that being in it gives: id, name or code.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Say what being in a provider's group gives."""
    if role is None and department is None:
        raise InvalidRequest("a group gives a --role, a --department, or both")

    async def work(control: Control) -> None:
        body: dict[str, Any] = {"group": group} | ({"role": role.value} if role is not None else {})
        if department is not None:
            body["department_id"] = (await find_department(control, department))["id"]
        made = (await control.post(MAPPINGS, body)).data
        Output(common).result(made, f"Being in {cell(made['group'])} gives that from now on: {made['id']}")

    with_control(common, work)


def list_mappings(*, common: Common = DEFAULT) -> None:
    """List what groups give."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(MAPPINGS),
            (
                ("GROUP", field("group")),
                ("ROLE", field("role")),
                ("DEPARTMENT", field("department_id")),
                ("ID", field("id")),
            ),
            empty="Groups give nothing yet: turnpike scim mapping add GROUP --role ROLE",
        )

    with_control(common, work)


def remove_mapping(
    mapping: Annotated[str, Parameter(help="Id or group, as `scim mapping list` shows them.")],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Let a group give nothing any more; a role that it gave goes with it."""

    async def work(control: Control) -> None:
        found = _one(await control.rows(MAPPINGS), mapping, ("id", "group"), "mapping", "scim mapping list")
        gone = (await control.delete(f"{MAPPINGS}/{found['id']}")).data
        Output(common).result(gone, f"{cell(gone['group'])} gives nothing any more.")

    with_control(common, work)


def _one(rows: Sequence[Row], text: str, names: tuple[str, ...], what: str, command: str) -> Row:
    found = [row for row in rows if any(text == row[name] for name in names)]
    if not found:
        raise NotFound(f"no {what} {text!r}; `turnpike {command}` shows those that there are")
    if len(found) > 1:
        raise InvalidRequest(f"{len(found)} are called {text!r}; name one by its id")
    return found[0]

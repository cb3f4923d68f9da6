"""`turnpike departments`: what people belong to, and what that gives and allows."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import DEPARTMENTS, find_department, find_user
from turnpike.cli.commands.users import UserName
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

_Many = Parameter(negative="")
DepartmentName = Annotated[str, Parameter(help="Id, name or code, as `departments list` shows them.")]
Code = Annotated[str | None, Parameter(help="What other systems call it: a cost centre, a number.")]
Tier = Annotated[str | None, Parameter(help="Tier of its people's sessions and of their new keys; none for nothing.")]
Models = Annotated[
    list[str] | None, _Many, Parameter(help="Models its people may call at most, with * as a wildcard; all for all.")
]


def add(
    name: Annotated[str, Parameter(help="The department's name.")],
    /,
    *,
    code: Code = None,
    tier: Tier = None,
    model: Models = None,
    common: Common = DEFAULT,
) -> None:
    """Add a department."""

    async def work(control: Control) -> None:
        made = (await control.post(DEPARTMENTS, {"name": name, **_values(code, tier, model)})).data
        Output(common).result(made, f"Added [bold]{cell(made['name'])}[/bold]: {made['id']}")

    with_control(common, work)


def _values(code: str | None, tier: str | None, model: list[str] | None) -> dict[str, Any]:
    values: dict[str, Any] = {} if code is None else {"code": code}
    if tier is not None:
        values["default_tier"] = None if tier == "none" else tier
    if model is not None:
        named = words(model)
        values["models"] = [] if named == ["all"] else named
    return values


def list_departments(*, common: Common = DEFAULT) -> None:
    """List departments."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(DEPARTMENTS),
            (
                ("NAME", field("name")),
                ("CODE", field("code")),
                ("PEOPLE", field("members")),
                ("KEYS", field("keys")),
                ("TIER", field("default_tier")),
                ("MODELS", lambda row: row.get("models") or "all"),
                ("ID", field("id")),
            ),
            empty="No department yet: turnpike departments add NAME",
        )

    with_control(common, work)


def show(department: DepartmentName, /, *, common: Common = DEFAULT) -> None:
    """Show a department and its people."""

    async def work(control: Control) -> None:
        found = await find_department(control, department)
        whole = (await control.get(f"{DEPARTMENTS}/{found['id']}")).data
        whole["people"] = await control.rows(f"{DEPARTMENTS}/{found['id']}/members")
        lines = [
            f"[bold]{cell(whole['name'])}[/bold], code {cell(whole['code'])}",
            f"{whole['members']} people with {whole['keys']} keys",
            f"tier {cell(whole['default_tier'])}, models {cell(whole['models'] or 'all')}",
            *(f"data stays in {cell(each['regions'])} ({cell(each['policy'])})" for each in whole["residency"]),
            *(
                f"  {cell(each['display_name'])}  {cell(each['email'])}  {cell(each['role'])}"
                for each in whole["people"]
            ),
        ]
        Output(common).result(whole, *lines)

    with_control(common, work)


def change(
    department: DepartmentName,
    /,
    *,
    name: Annotated[str | None, Parameter(help="Another name.")] = None,
    code: Code = None,
    tier: Tier = None,
    model: Models = None,
    common: Common = DEFAULT,
) -> None:
    """Change a department, at work within a second."""
    values = _values(code, tier, model) | ({} if name is None else {"name": name})
    if not values:
        raise InvalidRequest("name what to change: --name, --code, --tier or --model")

    async def work(control: Control) -> None:
        found = await find_department(control, department)
        changed = (await control.patch(f"{DEPARTMENTS}/{found['id']}", values)).data
        Output(common).result(changed, f"Changed {cell(changed['name'])}.")

    with_control(common, work)


def move(user: UserName, department: DepartmentName, /, *, common: Common = DEFAULT) -> None:
    """Move a person, and their keys, to a department, within a second."""

    async def work(control: Control) -> None:
        person, found = await find_user(control, user), await find_department(control, department)
        moved = (await control.post(f"{DEPARTMENTS}/{found['id']}/members", {"user_ids": [person["id"]]})).data
        Output(common).result(moved, f"{cell(person['display_name'])} is in {cell(found['name'])}.")

    with_control(common, work)


def remove(
    department: DepartmentName,
    /,
    *,
    move_to: Annotated[str | None, Parameter(help="Department that its people go to: id, name or code.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Remove a department; one that has people only with --move-to."""

    async def work(control: Control) -> None:
        found = await find_department(control, department)
        query = f"?move_to={(await find_department(control, move_to))['id']}" if move_to is not None else ""
        gone = (await control.delete(f"{DEPARTMENTS}/{found['id']}{query}")).data
        Output(common).result(gone, f"Removed {cell(found['name'])}; {gone['moved']} people moved.")

    with_control(common, work)

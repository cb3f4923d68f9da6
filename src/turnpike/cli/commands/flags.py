"""`turnpike flags`: set, list, remove."""

import json
from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_department
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

PATH = "/api/v1/flags"
_Many = Parameter(negative="")
FlagName = Annotated[str, Parameter(help="The flag's name.")]


def set_flag(
    name: FlagName,
    value: Annotated[str, Parameter(help="JSON: true, 10, '\"text\"'; other words are text.")],
    /,
    *,
    department: Annotated[list[str] | None, _Many, Parameter(help="For these departments, by id or name.")] = None,
    user: Annotated[list[str] | None, _Many, Parameter(help="For these people, by id.")] = None,
    role: Annotated[list[str] | None, _Many, Parameter(help="For these roles.")] = None,
    percentage: Annotated[float | None, Parameter(help="For this share of the people.")] = None,
    clear_rules: Annotated[bool, Parameter(negative="", help="Forget the rules there are.")] = False,
    active: Annotated[bool | None, Parameter(help="Switched on; off, everybody has the default.")] = None,
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make a feature flag, or change it."""
    given = _value(value)
    conditions: dict[str, Any] = {"users": words(user), "roles": words(role), "percentage": percentage}

    async def work(control: Control) -> None:
        conditions["departments"] = [(await find_department(control, each))["id"] for each in words(department)]
        rule = {name: wanted for name, wanted in conditions.items() if wanted not in (None, [])}
        known = [row for row in await control.rows(PATH, search=name) if row["name"] == name]
        body: dict[str, Any] = {"description": description} if description is not None else {}
        body.update({"is_active": active} if active is not None else {})
        if rule:
            rules = known[0]["rules"] if known and not clear_rules else []
            body["rules"] = [{**rule, "value": given}, *rules]
        else:
            body.update({"default": given}, **({"rules": []} if clear_rules else {}))
        if known:
            made = (await control.patch(f"{PATH}/{name}", body)).data
        else:
            if rule:
                raise InvalidRequest(f"there is no flag {name} yet; make it with a default: flags set {name} VALUE")
            made = (await control.post(PATH, {"name": name, "kind": _kind(given), **body})).data
        Output(common).result(made, f"Flag [bold]{cell(name)}[/bold] is {cell(_said(made))}.")

    with_control(common, work)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _kind(value: Any) -> str:
    kinds = ((bool, "boolean"), (int, "number"), (float, "number"), (str, "string"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "json")


def _said(row: Row) -> str:
    rules = len(row["rules"])
    return f"{json.dumps(row['default'])}" + (f", with {rules} rule{'s' * (rules != 1)} before" if rules else "")


def list_flags(*, common: Common = DEFAULT) -> None:
    """List feature flags."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH),
            (
                ("FLAG", field("name")),
                ("KIND", field("kind")),
                ("VALUE", _said),
                ("ACTIVE", field("is_active")),
                ("DESCRIPTION", field("description")),
            ),
            empty="No flag yet: turnpike flags set NAME false",
        )

    with_control(common, work)


def remove(name: FlagName, /, *, common: Common = DEFAULT) -> None:
    """Take a feature flag away."""

    async def work(control: Control) -> None:
        gone = (await control.delete(f"{PATH}/{name}")).data
        Output(common).result(gone, f"The flag {cell(name)} is gone.")

    with_control(common, work)

"""`turnpike settings`: list, set, reset; and `turnpike maintenance`."""

import json
from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field
from turnpike.cli.tasks import with_control

PATH = "/api/v1/settings"
MAINTENANCE = "/api/v1/admin/maintenance"
SettingName = Annotated[str, Parameter(help="As in docs/settings.md, with or without TURNPIKE_.")]


def _name(text: str) -> str:
    return text.lower().removeprefix("turnpike_")


def list_settings(
    *,
    changeable: Annotated[bool, Parameter(negative="", help="Those that can be changed while it runs.")] = False,
    common: Common = DEFAULT,
) -> None:
    """List settings, and where their values come from."""

    async def work(control: Control) -> None:
        rows = await control.rows(PATH, **({"changeable": "true"} if changeable else {}))
        Output(common).table(
            rows,
            (("SETTING", field("name")), ("VALUE", _shown), ("FROM", field("source")),
             ("CHANGEABLE", field("changeable"))),
            empty="There is no such setting.",
        )  # fmt: skip

    with_control(common, work)


def _shown(row: Row) -> str:
    if row["kind"] == "secret":
        return "set" if row["is_set"] else ""
    return "" if row["value"] is None else str(row["value"])


def set_setting(
    name: SettingName,
    value: Annotated[str, Parameter(help="The new value.")],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Change a setting while the gateway runs."""

    async def work(control: Control) -> None:
        made = (await control.call("PUT", f"{PATH}/{_name(name)}", body={"value": _read(value)})).data
        Output(common).result(made, f"{cell(made['name'])} is {cell(_shown(made))} within a second.")

    with_control(common, work)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def reset(name: SettingName, /, *, common: Common = DEFAULT) -> None:
    """Go back to the environment's value of a setting."""

    async def work(control: Control) -> None:
        made = (await control.delete(f"{PATH}/{_name(name)}")).data
        Output(common).result(made, f"{cell(made['name'])} is {cell(_shown(made))} again, from the {made['source']}.")

    with_control(common, work)


# ---- maintenance


def close(
    *,
    message: Annotated[str | None, Parameter(help="What callers are told.")] = None,
    retry_after: Annotated[float | None, Parameter(help="When they may come back, in seconds.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Close the gateway to new calls; keys with the scope admin go on."""
    body: dict[str, Any] = {"on": True, "message": message, "retry_after_s": retry_after}
    _put({name: value for name, value in body.items() if value is not None}, common)


def reopen(*, common: Common = DEFAULT) -> None:
    """Open the gateway again."""
    _put({"on": False}, common)


def _put(body: dict[str, Any], common: Common) -> None:
    async def work(control: Control) -> None:
        Output(common).result(made := (await control.call("PUT", MAINTENANCE, body=body)).data, _state(made))

    with_control(common, work)


def show_maintenance(*, common: Common = DEFAULT) -> None:
    """Show whether the gateway is closed."""

    async def work(control: Control) -> None:
        found = (await control.get(MAINTENANCE)).data
        Output(common).result(found, _state(found))

    with_control(common, work)


def _state(view: Row) -> str:
    return f"Closed: {cell(view['message'])}" if view["on"] else "The gateway is open."

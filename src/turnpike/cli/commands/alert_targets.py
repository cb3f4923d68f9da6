"""`turnpike alerts targets`, add-target, remove-target, test-target: whom alerts are told to."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.alerts import PATH, find_named
from turnpike.cli.commands.webhooks import find_webhook
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

Target = Annotated[str, Parameter(help="Its id or name.")]


def targets(*, common: Common = DEFAULT) -> None:
    """List whom alerts are told to."""

    async def work(control: Control) -> None:
        columns = (
            ("NAME", field("name")), ("KIND", field("kind")), ("TO", _to), ("BUDGETS", field("budget_alerts")),
            ("ON", field("is_active")), ("ID", field("id")),
        )  # fmt: skip
        empty = "No target yet: turnpike alerts add-target ops --email ops@example.com"
        Output(common).table(await control.rows(f"{PATH}/targets"), columns, empty=empty)

    with_control(common, work)


def _to(row: Row) -> object:
    return row["addresses"] or row["webhook_id"]


def add_target(
    name: Annotated[str, Parameter(help="What people call it.")],
    /,
    *,
    email: Annotated[
        list[str] | None, Parameter(negative="", help="E-mail addresses: ops@example.com,ada@example.com")
    ] = None,
    slack: Annotated[
        str | None, Parameter(help="Address of an incoming webhook of Slack, Mattermost, Rocket.Chat, ...")
    ] = None,
    webhook: Annotated[str | None, Parameter(help="A webhook of this gateway: id or address.")] = None,
    budgets: Annotated[bool, Parameter(help="Percentages of budgets are told here too.")] = True,
    common: Common = DEFAULT,
) -> None:
    """Add somebody whom alerts are told to."""
    kinds = {"email": words(email) or None, "slack": slack, "webhook": webhook}
    given = [kind for kind, value in kinds.items() if value is not None]
    if len(given) != 1:
        raise InvalidRequest("name one of --email, --slack and --webhook")
    body: dict[str, Any] = {"name": name, "kind": given[0], "budget_alerts": budgets}

    async def work(control: Control) -> None:
        if webhook is not None:
            body["webhook_id"] = (await find_webhook(control, webhook))["id"]
        elif slack is not None:
            body["url"] = slack
        else:
            body["addresses"] = kinds["email"]
        made = (await control.post(f"{PATH}/targets", body)).data
        Output(common).result(made, f"Added the target {cell(made['name'])}: {made['id']}")

    with_control(common, work)


def remove_target(target: Target, /, *, common: Common = DEFAULT) -> None:
    """Remove a target."""

    async def work(control: Control) -> None:
        found = await find_named(control, "targets", target)
        reply = await control.delete(f"{PATH}/targets/{found['id']}")
        Output(common).result(reply.data, f"Removed the target {cell(found['name'])}.")

    with_control(common, work)


def ping_target(target: Target, /, *, common: Common = DEFAULT) -> None:
    """Send a test to a target."""

    async def work(control: Control) -> None:
        found = await find_named(control, "targets", target)
        sent = (await control.post(f"{PATH}/targets/{found['id']}/test")).data
        Output(common).result(sent, "A test is on its way: turnpike webhooks deliveries")

    with_control(common, work)

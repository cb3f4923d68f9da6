"""`turnpike webhooks`: add, list, set, remove, rotate-secret, test, deliveries, delivery, replay, events."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import id_of
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import past, words
from turnpike.errors import InvalidRequest, NotFound

PATH = "/api/v1/webhooks"
_Flag = Parameter(negative="")
Hook = Annotated[str, Parameter(help="Its id, or its address.")]
Events = Annotated[list[str] | None, _Flag, Parameter(help="Event types: key.*,budget.alert. Default: all.")]
Department = Annotated[str | None, Parameter(help="Only events of this department: id or name.")]
Description = Annotated[str | None, Parameter(help="What people read in the list.")]


async def find_webhook(control: Control, text: str) -> dict[str, Any]:
    """The one of that id or address. Raises NotFound or InvalidRequest."""
    rows = [row for row in await control.rows(PATH) if text.lower() == row["id"] or text == row["url"]]
    if not rows:
        raise NotFound(f"no webhook {text!r}; `turnpike webhooks list` shows those that there are")
    if len(rows) > 1:
        raise InvalidRequest(f"{len(rows)} webhooks have this address; name one by its id")
    return rows[0]


def add(
    url: Annotated[str, Parameter(help="Where events are sent: https://hooks.example.com/turnpike")],
    /,
    *,
    events: Events = None,
    department: Department = None,
    description: Description = None,
    common: Common = DEFAULT,
) -> None:
    """Send events to an address."""

    async def work(control: Control) -> None:
        body: dict[str, Any] = {"url": url, "event_types": words(events) or ["*"], "description": description}
        if department is not None:
            body["department_id"] = await id_of(control, "department", department)
        made = (await control.post(PATH, body)).data
        Output(common).result(
            made,
            f"Added the webhook {made['id']}. Its deliveries are signed with this secret, which is not shown again:",
            cell(made["secret"]),
        )

    with_control(common, work)


def list_webhooks(*, common: Common = DEFAULT) -> None:
    """List webhooks."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH),
            (
                ("ADDRESS", field("url")),
                ("EVENTS", field("event_types")),
                ("ON", field("is_active")),
                ("FAILING SINCE", when("failing_since")),
                ("SWITCHED OFF", field("disabled_because")),
                ("ID", field("id")),
            ),
            empty="No webhook yet: turnpike webhooks add https://hooks.example.com/turnpike",
        )

    with_control(common, work)


def change(
    webhook: Hook,
    /,
    *,
    url: Annotated[str | None, Parameter(help="Another address.")] = None,
    events: Events = None,
    description: Description = None,
    on: Annotated[bool | None, Parameter(negative="--off", help="Switch it on, or off.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Change a webhook, or switch it on or off."""
    given = {"url": url, "event_types": words(events) or None, "description": description, "is_active": on}
    body = {name: value for name, value in given.items() if value is not None}

    async def work(control: Control) -> None:
        found = await find_webhook(control, webhook)
        made = (await control.patch(f"{PATH}/{found['id']}", body)).data
        Output(common).result(made, f"Changed the webhook {made['id']}.")

    with_control(common, work)


def remove(webhook: Hook, /, *, common: Common = DEFAULT) -> None:
    """Remove a webhook, with the history of its deliveries."""

    async def work(control: Control) -> None:
        found = await find_webhook(control, webhook)
        reply = await control.delete(f"{PATH}/{found['id']}")
        Output(common).result(reply.data, f"Removed the webhook {found['id']}.")

    with_control(common, work)


def rotate_secret(
    webhook: Hook,
    /,
    *,
    overlap_hours: Annotated[float, Parameter(help="How long the old secret signs beside the new one.")] = 24.0,
    common: Common = DEFAULT,
) -> None:
    """Replace the secret that a webhook's deliveries are signed with."""

    async def work(control: Control) -> None:
        found = await find_webhook(control, webhook)
        made = (await control.post(f"{PATH}/{found['id']}/rotate-secret", {"overlap_hours": overlap_hours})).data
        said = "The new secret, which is not shown again; deliveries are signed with both until"
        Output(common).result(made, f"{said} {cell(made['old_secret_until'])}:", cell(made["secret"]))

    with_control(common, work)


def ping(webhook: Hook, /, *, common: Common = DEFAULT) -> None:
    """Send a test to a webhook."""

    async def work(control: Control) -> None:
        found = await find_webhook(control, webhook)
        sent = (await control.post(f"{PATH}/{found['id']}/test")).data
        Output(common).result(sent, f"A test is on its way: turnpike webhooks deliveries {found['id']}")

    with_control(common, work)


_COLUMNS = (
    ("EVENT", field("event_type")), ("STATUS", field("status")), ("TRIES", field("attempts")),
    ("LAST", field("last_status")), ("NEXT", when("next_attempt_at")), ("MADE", when("created_at")),
    ("ERROR", field("last_error")), ("ID", field("id")),
)  # fmt: skip


def deliveries(
    webhook: Annotated[str | None, Parameter(help="Of this webhook: id or address. Default: all.")] = None,
    /,
    *,
    status: Annotated[
        Literal["pending", "delivered", "dead"] | None, Parameter(help="Only those; `dead` are the dead letters.")
    ] = None,
    limit: Annotated[int, Parameter(help="How many.")] = 50,
    common: Common = DEFAULT,
) -> None:
    """List what was sent and what is on its way, the newest first."""

    async def work(control: Control) -> None:
        receiver = (await find_webhook(control, webhook))["id"] if webhook else None
        reply = await control.get(f"{PATH}/deliveries", receiver_id=receiver, status=status, per_page=min(limit, 500))
        Output(common).table(reply.data, _COLUMNS, empty="Nothing was sent.")

    with_control(common, work)


def delivery(
    delivery_id: Annotated[str, Parameter(help="As `webhooks deliveries` shows it.")],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Show a delivery: what is sent, and every attempt."""

    async def work(control: Control) -> None:
        found = (await control.get(f"{PATH}/deliveries/{delivery_id}")).data
        output = Output(common)
        if common.json:
            output.result(found)
            return
        output.result(found, f"{cell(found['event_type'])} to {found['receiver_id']}: {found['status']}")
        columns = (("AT", when("at")), ("MS", field("elapsed_ms")), ("STATUS", field("status")),
                   ("ERROR", field("error")), ("ANSWER", field("answer")))  # fmt: skip
        output.table(found["history"], columns, empty="No attempt yet.")

    with_control(common, work)


def replay(
    delivery_id: Annotated[str | None, Parameter(help="One delivery, as `webhooks deliveries` shows it.")] = None,
    /,
    *,
    webhook: Annotated[str | None, Parameter(help="All dead letters of this webhook: id or address.")] = None,
    since: Annotated[str | None, Parameter(help="With --webhook: 24h ago, or a date. Default: all.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Send a delivery again, or all dead letters of a webhook."""
    if (delivery_id is None) == (webhook is None):
        raise InvalidRequest("name a delivery, or a webhook with --webhook")
    body = {} if since is None else {"since": past(since, "--since")}

    async def work(control: Control) -> None:
        if delivery_id is not None:
            done = (await control.post(f"{PATH}/deliveries/{delivery_id}/replay")).data
            Output(common).result(done, f"On its way again: {cell(done['event_type'])}.")
            return
        found = await find_webhook(control, str(webhook))
        done = (await control.post(f"{PATH}/{found['id']}/replay", body)).data
        Output(common).result(done, f"On their way again: {done['replayed']}.")

    with_control(common, work)


def events(*, common: Common = DEFAULT) -> None:
    """List the types of events."""

    async def work(control: Control) -> None:
        rows = (await control.get(f"{PATH}/event-types")).data
        columns = (("TYPE", field("type")), ("VERSION", field("version")), ("WHEN", field("description")))
        Output(common).table(rows, columns, empty="")

    with_control(common, work)

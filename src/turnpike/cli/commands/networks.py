"""`turnpike networks`: list, allow, deny, remove."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import moment
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.networks import network_in

PATH = "/api/v1/security/networks"
Network = Annotated[str, Parameter(help="CIDR or a single address: 10.0.0.0/8, 203.0.113.7, 2001:db8::/32.")]
Note = Annotated[str | None, Parameter(help="Why; people read it in the list.")]
Expires = Annotated[str | None, Parameter(help="30d, 12h, a date such as 2030-01-31, or never. Default: never.")]


def list_rules(*, common: Common = DEFAULT) -> None:
    """List which networks may reach the gateway, and which may not."""

    async def work(control: Control) -> None:
        rows = await control.rows(PATH)
        Output(common).table(
            rows,
            (
                ("NETWORK", field("network")),
                ("VERDICT", field("verdict")),
                ("EXPIRES", when("expires_at")),
                ("NOTE", field("note")),
                ("ID", field("id")),
            ),
            empty="No rule: every network may reach the gateway.",
        )

    with_control(common, work)


def allow(network: Network, /, *, note: Note = None, expires: Expires = None, common: Common = DEFAULT) -> None:
    """Let a network in; from the first one on, only allowed networks come in."""
    _add(network, "allow", note, expires, common)


def deny(network: Network, /, *, note: Note = None, expires: Expires = None, common: Common = DEFAULT) -> None:
    """Keep a network out, whatever is allowed."""
    _add(network, "deny", note, expires, common)


def _add(network: str, verdict: str, note: str | None, expires: str | None, common: Common) -> None:
    body: dict[str, Any] = {"network": network, "verdict": verdict, "note": note}
    if expires is not None:
        body["expires_at"] = moment(expires)

    async def work(control: Control) -> None:
        made = (await control.post(PATH, body)).data
        done = "Allowed" if verdict == "allow" else "Denied"
        Output(common).result(made, f"{done} {cell(made['network'])}.")

    with_control(common, work)


def remove(rule: Annotated[str, Parameter(help="Network or id.")], /, *, common: Common = DEFAULT) -> None:
    """Remove a rule of a network."""

    async def work(control: Control) -> None:
        rows = await control.rows(PATH)
        meant = [row for row in rows if rule == row["id"]] or [row for row in rows if row["network"] == _plain(rule)]
        if not meant:
            raise NotFound(f"no rule for {rule!r}; `turnpike networks list` shows those that there are")
        if len(meant) > 1:
            ids = ", ".join(str(row["id"]) for row in meant)
            raise InvalidRequest(f"{rule} is both allowed and denied; name one by its id: {ids}")
        reply = await control.delete(f"{PATH}/{meant[0]['id']}")
        Output(common).result(reply.data, f"Removed the rule to {meant[0]['verdict']} {cell(meant[0]['network'])}.")

    with_control(common, work)


def _plain(text: str) -> str:
    try:
        return str(network_in(text))
    except ValueError:
        return text

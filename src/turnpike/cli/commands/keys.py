"""`turnpike keys`: create, list, revoke, rotate."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import KEYS, find_key, find_user
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import moment, words
from turnpike.contract.scopes import DEFAULT_SCOPES, SCOPES
from turnpike.errors import InvalidRequest

_Many = Parameter(negative="")
KeyName = Annotated[str, Parameter(help="Id, name or the key's first characters, as `keys list` shows them.")]


def create(
    *,
    name: Annotated[str, Parameter(help="What the key is for; people read it in lists and in the ledger.")],
    scope: Annotated[
        list[str] | None,
        _Many,
        Parameter(help=f"What it may do: {', '.join(SCOPES)}. Default: {', '.join(DEFAULT_SCOPES)}."),
    ] = None,
    model: Annotated[
        list[str] | None, _Many, Parameter(help="Models it may call, with * as a wildcard. Default: all.")
    ] = None,
    network: Annotated[
        list[str] | None, _Many, Parameter(help="Networks (CIDR) it may be used from. Default: everywhere.")
    ] = None,
    deny_network: Annotated[
        list[str] | None, _Many, Parameter(help="Networks (CIDR) it may not be used from. Default: none.")
    ] = None,
    expires: Annotated[
        str | None,
        Parameter(help="30d, 12h, a date such as 2030-01-31, or never. Default: TURNPIKE_API_KEY_LIFETIME_DAYS."),
    ] = None,
    default_provider: Annotated[str | None, Parameter(help="Provider (its slug) that is preferred for it.")] = None,
    user: Annotated[str | None, Parameter(help="Whose it is: id, name or e-mail. Default: the administrator.")] = None,
    role: Annotated[
        str | None, Parameter(help="What it may do on the platform API beside its scopes, as `roles list` shows them.")
    ] = None,
    tier: Annotated[str | None, Parameter(help="Its limits, as `tiers list` shows them. Default: standard.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make an API key and show it once."""
    body: dict[str, Any] = {"name": name}
    scopes = words(scope)
    _check_scopes(scopes)
    lists = {"scopes": scopes, "models": words(model), "networks": words(network)}
    lists["denied_networks"] = words(deny_network)
    body.update({field_name: values for field_name, values in lists.items() if values})
    if expires is not None:
        body["expires_at"] = moment(expires)
    body.update({"default_provider": default_provider} if default_provider else {})
    body.update({"tier": tier} if tier else {})
    body.update({"role": role} if role else {})

    async def work(control: Control) -> None:
        owner = {"user_id": (await find_user(control, user))["id"]} if user else {}
        made = (await control.post(KEYS, {**body, **owner})).data
        _show_new(made, common, f"API key [bold]{cell(name)}[/bold]")

    with_control(common, work)


def _check_scopes(scopes: list[str]) -> None:
    unknown = [name for name in scopes if name not in SCOPES]
    if unknown:
        raise InvalidRequest(f"--scope {', '.join(unknown)} is no scope; take from {', '.join(SCOPES)}")


def _show_new(made: Row, common: Common, what: str) -> None:
    until = made.get("expires_at")
    Output(common).result(
        made,
        f"{what}, shown this once:",
        "",
        f"  {made['key']}",
        "",
        f"id {made['id']}, {'until ' + str(until) if until else 'without end'}, {', '.join(made.get('scopes') or [])}",
    )


def list_keys(
    *,
    all_keys: Annotated[bool, Parameter(name="--all", negative="", help="Revoked and expired ones too.")] = False,
    common: Common = DEFAULT,
) -> None:
    """List API keys."""

    async def work(control: Control) -> None:
        rows = [row for row in await control.rows(KEYS) if all_keys or _works(row)]
        Output(common).table(
            rows,
            (
                ("NAME", field("name")),
                ("KEY", field("prefix")),
                ("STATUS", field("status")),
                ("SCOPES", _scopes),
                ("MODELS", lambda row: row.get("models") or "all"),
                ("EXPIRES", when("expires_at")),
                ("ID", field("id")),
            ),
            empty="No API key yet: turnpike keys create --name NAME",
        )

    with_control(common, work)


def _scopes(row: Row) -> object:
    """The two sets that most keys have, by a word."""
    scopes = tuple(row["scopes"])
    return {SCOPES: "all", DEFAULT_SCOPES: "default"}.get(scopes, scopes)


def _works(row: Row) -> bool:
    """`rotated` keys do until their grace period ends."""
    return row["status"] in ("active", "rotated")


def revoke(key: KeyName, /, *, common: Common = DEFAULT) -> None:
    """Make an API key unknown, within a second, for good."""

    async def work(control: Control) -> None:
        found = await find_key(control, key)
        reply = await control.delete(f"{KEYS}/{found['id']}")
        Output(common).result(reply.data, f"Revoked {cell(found['name'])}.")

    with_control(common, work)


def rotate(
    key: KeyName,
    /,
    *,
    grace: Annotated[
        str | None,
        Parameter(help="How long the old key works on: 12h, 7d, 0h. Default: TURNPIKE_API_KEY_ROTATION_GRACE_HOURS."),
    ] = None,
    common: Common = DEFAULT,
) -> None:
    """Replace an API key; the old one works on for a grace period."""

    async def work(control: Control) -> None:
        found = await find_key(control, key)
        body = {} if grace is None else {"grace_hours": _hours(grace)}
        made = (await control.post(f"{KEYS}/{found['id']}/rotate", body)).data
        _show_new(made, common, f"The successor of [bold]{cell(found['name'])}[/bold]")

    with_control(common, work)


def _hours(text: str) -> int:
    number, unit = text.strip()[:-1], text.strip()[-1:].lower()
    if not number.isdecimal() or unit not in ("h", "d"):
        raise InvalidRequest(f"--grace {text!r} is no span; write hours or days: 12h, 7d, 0h")
    return int(number) * (24 if unit == "d" else 1)

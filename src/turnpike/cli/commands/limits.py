"""`turnpike limits`: set, list, show, reset, remove; and `turnpike tiers`."""

from dataclasses import dataclass, fields
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import id_of
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest

PATH = "/api/v1/limits"
TIERS = "/api/v1/tiers"
_SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WHO = Group("Whose limit it is", sort_key=1)
Resource = Literal["requests", "tokens", "images", "audio_seconds", "concurrency"]


def _who(text: str) -> Parameter:
    return Parameter(group=_WHO, help=text)


@Parameter(name="*")
@dataclass(frozen=True)
class Who:
    """One of these."""

    tier: Annotated[str | None, _who("A tier: for each key that carries it.")] = None
    key: Annotated[str | None, _who("An API key: its id, name or first characters.")] = None
    user: Annotated[str | None, _who("A user: id, e-mail address or name.")] = None
    department: Annotated[str | None, _who("A department: id or name.")] = None
    model: Annotated[str | None, _who("A model, with * as a wildcard.")] = None
    provider: Annotated[str | None, _who("A provider: slug or id.")] = None
    deployment: Annotated[str | None, _who("The id of a model at a provider.")] = None
    operation: Annotated[str | None, _who("An operation (chat) or a path (/v1/chat/completions).")] = None
    ip: Annotated[str | None, _who("A network, or * for all; each address is counted on its own.")] = None
    gateway: Annotated[bool, Parameter(group=_WHO, negative="", help="The whole gateway.")] = False

    async def find(self, control: Control) -> dict[str, str]:
        """`subject` and `name`, as the API takes them. Raises InvalidRequest unless one is named."""
        named = {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
        if len(named) != 1:
            raise InvalidRequest(f"name one of {', '.join('--' + each.name for each in fields(self))}")
        subject, value = next(iter(named.items()))
        if subject == "ip" and "/" in value:
            value = _network(value)
        name = "" if subject == "gateway" else await id_of(control, subject, value)
        return {"subject": subject, "name": name}


NOBODY = Who()


def _network(text: str) -> str:
    """As the gateway writes it. Raises InvalidRequest."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise InvalidRequest(f"--ip: {error}") from error


def set_limit(
    *,
    amount: Annotated[int, Parameter(help="How much in each window, or at once.")],
    resource: Annotated[Resource, Parameter(help="What is counted.")] = "requests",
    per: Annotated[
        str, Parameter(help="The window: second, minute, hour, day, week, or a span such as 30s.")
    ] = "minute",
    burst: Annotated[int | None, Parameter(help="How much more than the amount is let pass; 0 in a new one.")] = None,
    for_model: Annotated[str | None, Parameter(help="Count calls for this model alone.")] = None,
    for_operation: Annotated[str | None, Parameter(help="Count this operation or path alone.")] = None,
    unreachable: Annotated[
        Literal["closed", "open"] | None,
        Parameter(help="When nothing can be counted: refuse (a new one does), or let pass."),
    ] = None,
    counting: Annotated[
        Literal["bound", "estimate"] | None,
        Parameter(help="Of tokens: take the most that a call can use (a new one does), or what it is likely to use."),
    ] = None,
    who: Who = NOBODY,
    common: Common = DEFAULT,
) -> None:
    """Set a limit, or change the one that there is: what is not named stays as it is."""
    fixed: dict[str, Any] = {"resource": resource, "model": for_model or "", "operation": for_operation or ""}
    if resource != "concurrency":
        fixed["window_s"] = _seconds(per)
    given = {"burst": burst, "on_unreachable": unreachable, "counting": counting}
    named = {name: value for name, value in given.items() if value is not None}

    async def work(control: Control) -> None:
        one = {**fixed, **await who.find(control)}
        there = [row for row in await control.rows(PATH) if _is(row, one)]
        kept = {name: there[0][name] for name in given} if there else {}
        made = (await control.call("PUT", PATH, body={**one, "amount": amount, **kept, **named})).data
        Output(common).result(made, f"At most {_said(made)}, for {cell(_whose(made))}. (id {made['id']})")

    with_control(common, work)


def _is(row: Row, one: dict[str, Any]) -> bool:
    return all(row[name] == value for name, value in one.items())


def list_limits(*, common: Common = DEFAULT) -> None:
    """List all limits."""

    async def work(control: Control) -> None:
        rows = await control.rows(PATH)
        Output(common).table(
            rows,
            (
                ("FOR", _whose),
                ("LIMIT", _said),
                ("BURST", field("burst")),
                ("MODEL", field("model")),
                ("OPERATION", field("operation")),
                ("UNREACHABLE", field("on_unreachable")),
                ("ID", field("id")),
            ),
            empty="No limit is set: turnpike limits set --key NAME --amount 100 --per minute",
        )

    with_control(common, work)


def show(*, who: Who = NOBODY, common: Common = DEFAULT) -> None:
    """Show how much of somebody's limits is used."""

    async def work(control: Control) -> None:
        found = await who.find(control)
        rows = (await control.get(f"{PATH}/counters", **found)).data
        Output(common).table(
            rows,
            (
                ("LIMIT", _said),
                ("OF THE", field("subject")),
                ("USED", field("used")),
                ("REMAINING", field("remaining")),
                ("RENEWED", when("resets_at")),
            ),
            empty="Nothing limits it.",
        )

    with_control(common, work)


def reset(*, who: Who = NOBODY, common: Common = DEFAULT) -> None:
    """Begin somebody's running windows anew."""

    async def work(control: Control) -> None:
        done = (await control.post(f"{PATH}/reset", await who.find(control))).data
        Output(common).result(done, f"{len(done)} counters were reset.")

    with_control(common, work)


def remove(
    limit: Annotated[str, Parameter(help="Id, as `limits list` shows it.")], /, *, common: Common = DEFAULT
) -> None:
    """Take a limit away."""

    async def work(control: Control) -> None:
        reply = await control.delete(f"{PATH}/{limit}")
        Output(common).result(reply.data, "The limit is gone.")

    with_control(common, work)


def set_tier(
    name: Annotated[str, Parameter(help="Lower case letters, digits, - and _.")],
    /,
    *,
    description: Annotated[str | None, Parameter(help="For people who choose one.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make a tier; its limits are set with `limits set --tier`."""

    async def work(control: Control) -> None:
        made = (await control.call("PUT", f"{TIERS}/{name}", body={"description": description})).data
        Output(common).result(made, f"The tier {cell(made['name'])} has {len(made['limits'])} limits.")

    with_control(common, work)


def list_tiers(*, common: Common = DEFAULT) -> None:
    """List tiers with their limits."""

    async def work(control: Control) -> None:
        rows = (await control.get(TIERS)).data
        columns = (("TIER", field("name")), ("LIMITS", _limits), ("DESCRIPTION", field("description")))
        Output(common).table(rows, columns, empty="No tier.")

    with_control(common, work)


def remove_tier(name: Annotated[str, Parameter(help="Its name.")], /, *, common: Common = DEFAULT) -> None:
    """Take a tier away that no key carries, with its limits."""

    async def work(control: Control) -> None:
        reply = await control.delete(f"{TIERS}/{name}")
        Output(common).result(reply.data, f"The tier {cell(name)} is gone.")

    with_control(common, work)


def _seconds(text: str) -> int:
    """Raises InvalidRequest."""
    if text in _SPANS:
        return _SPANS[text]
    number, unit = text[:-1], text[-1:]
    if number.isdecimal() and unit in _UNITS:
        return int(number) * _UNITS[unit]
    raise InvalidRequest(f"--per {text!r} is no window; take {', '.join(_SPANS)} or a span such as 30s, 15m")


def _whose(row: Row) -> str:
    return f"{row['subject']} {row['name']}".strip()


def _said(row: Row) -> str:
    if row["resource"] == "concurrency":
        return f"{row['amount']} at once"
    spans = {seconds: name for name, seconds in _SPANS.items()}
    window_s = row["window_s"]
    return f"{row['amount']} {row['resource']} per {spans.get(window_s) or f'{window_s} s'}"


def _limits(row: Row) -> list[str]:
    return [_said(each) for each in row["limits"]] or ["none"]

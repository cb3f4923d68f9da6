"""`turnpike limits`: set, list, show, reset, remove; and `turnpike tiers`."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.keys import find_key
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
    user: Annotated[str | None, _who("A user's id.")] = None
    department: Annotated[str | None, _who("A department's id.")] = None
    model: Annotated[str | None, _who("A model, with * as a wildcard.")] = None
    provider: Annotated[str | None, _who("A provider's slug.")] = None
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
        if subject == "key":
            value = (await find_key(control, value))["id"]
        return {"subject": subject, "name": "" if subject == "gateway" else value}


NOBODY = Who()


def set_limit(
    *,
    amount: Annotated[int, Parameter(help="How much in each window, or at once.")],
    resource: Annotated[Resource, Parameter(help="What is counted.")] = "requests",
    per: Annotated[
        str, Parameter(help="The window: second, minute, hour, day, week, or a span such as 30s.")
    ] = "minute",
    burst: Annotated[int, Parameter(help="How much more than the amount is let pass.")] = 0,
    for_model: Annotated[str | None, Parameter(help="Count calls for this model alone.")] = None,
    for_operation: Annotated[str | None, Parameter(help="Count this operation or path alone.")] = None,
    unreachable: Annotated[
        Literal["closed", "open"], Parameter(help="When nothing can be counted: refuse, or let pass.")
    ] = "closed",
    counting: Annotated[
        Literal["bound", "estimate"],
        Parameter(help="Of tokens: take the most that a call can use, or what it is likely to use."),
    ] = "bound",
    who: Who = NOBODY,
    common: Common = DEFAULT,
) -> None:
    """Set a limit, or change it."""
    body: dict[str, Any] = {"resource": resource, "amount": amount, "burst": burst, "on_unreachable": unreachable}
    if resource == "tokens":
        body["counting"] = counting
    if resource != "concurrency":
        body["window_s"] = _seconds(per)
    body.update({"model": for_model} if for_model else {})
    body.update({"operation": for_operation} if for_operation else {})

    async def work(control: Control) -> None:
        made = (await control.call("PUT", PATH, body={**body, **await who.find(control)})).data
        Output(common).result(made, f"At most {_said(made)}, for {cell(_whose(made))}. (id {made['id']})")

    with_control(common, work)


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

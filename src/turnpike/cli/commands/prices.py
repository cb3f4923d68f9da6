"""`turnpike models price`: what a model costs, and a price of one's own in any of the shapes that there are."""

import sys
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.models import PATH, find_model
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest

_NOT_PRICES = ("currency", "per_tokens", "tiers", "services")


def price(
    name: Annotated[str, Parameter(help="The model's name.")],
    *,
    provider: Annotated[
        str | None, Parameter(help="At this provider (its slug), where several have a model of that name.")
    ] = None,
    set_: Annotated[
        str | None,
        Parameter(
            name="--set",
            help="A price of your own, as JSON: US dollars for a million tokens and for one of other units, such as "
            '\'{"input": 1.25, "output": 10}\' or \'{"image": {"1024x1024": 0.04}}\'; - reads standard input.',
        ),
    ] = None,
    reset: Annotated[bool, Parameter(negative="", help="Take the price list's price again.")] = False,
    common: Common = DEFAULT,
) -> None:
    """Show what a model costs, or set a price of your own."""
    if set_ is not None and reset:
        raise InvalidRequest("--set and --reset exclude each other")
    override = None if set_ is None else _override(sys.stdin.read() if set_ == "-" else set_)

    async def work(control: Control) -> None:
        row = await find_model(control, name, provider)
        if override is not None or reset:
            row = (await control.patch(f"{PATH}/{row['id']}", {"price_override": override})).data
        Output(common).result(row, *_lines(row))

    with_control(common, work)


def _override(text: str) -> dict[str, Any]:
    """Raises InvalidRequest; what is in it is the server's to judge."""
    try:
        decoded: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"--set is no JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise InvalidRequest("--set must be a JSON object: see docs/ledger.md, What a price is made of")
    return decoded


def _lines(row: dict[str, Any]) -> list[str]:
    heading = f"[bold]{cell(row['name'])}[/bold] at {cell(row['provider'])}: "
    if not row["priced"]:
        return [heading + "no price; its calls are recorded as unpriced"]
    shown: dict[str, Any] = row["price"]
    lines = [f"{heading}US dollars ({cell(row['price_source'])})"]
    lines += (f"  {name}: {cell(_plain(value))}" for name, value in shown.items() if value and name not in _NOT_PRICES)
    for tier in shown["tiers"]:
        lines.append(f"  above {tier['above']} input tokens: {cell(_plain(_without(tier, 'above')))}")
    for service in shown["services"]:
        how = f"{service['percent']} %" if service["percent"] else _plain(service["price"])
        lines.append(f"  {cell(service['name'])}: {cell(how)}")
    return lines


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        fields: dict[str, Any] = value
        return ", ".join(f"{name} {_plain(each)}" for name, each in fields.items() if each)
    return str(value)

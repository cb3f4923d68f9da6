"""`turnpike resilience` and `turnpike providers health`: failing providers, and more calls than there is room for."""

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.providers import find_provider
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field
from turnpike.cli.registration import PROVIDERS
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest

PATH = "/api/v1/admin/resilience"
_DEFAULT = "default"
_JSON_WORDS = ("true", "false", "null")


def show(*, common: Common = DEFAULT) -> None:
    """Show retries, breakers, limits, queue and shedding."""

    async def work(control: Control) -> None:
        view = (await control.get(PATH)).data
        Output(common).result(view, *_lines(view))

    with_control(common, work)


def change(
    values: Annotated[
        list[str], Parameter(help="NAME=VALUE, as `resilience show` names them; a value is JSON, a word, or `default`.")
    ],
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Change some of them: NAME=VALUE; NAME=default takes the default again."""
    body = dict(_pair(text) for text in values)

    async def work(control: Control) -> None:
        view = (await control.patch(PATH, body)).data
        Output(common).result(view, *_lines(view))

    with_control(common, work)


def health(
    provider: Annotated[str | None, Parameter(help="Slug, name or id; default: all.")] = None,
    /,
    *,
    common: Common = DEFAULT,
) -> None:
    """Show how providers fare: active checks, breakers, rests, limits."""

    async def work(control: Control) -> None:
        rows = [await find_provider(control, provider)] if provider is not None else await control.rows(PROVIDERS)
        views = [(await control.get(f"{PROVIDERS}/{row['id']}/health")).data for row in rows]
        Output(common).table(
            views,
            (
                ("PROVIDER", field("provider")),
                ("CHECK", _checked),
                ("LAST", field("checked_at")),
                ("DEPLOYMENTS", _deployments),
            ),
            empty="No provider yet: turnpike providers add VENDOR",
        )

    with_control(common, work)


def _pair(text: str) -> tuple[str, Any]:
    """Raises InvalidRequest."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InvalidRequest(f"{text[:80]!r} is not NAME=VALUE")
    if value.strip() == _DEFAULT:
        return name.strip(), None
    if value.strip().replace("_", "").isalpha() and value.strip() not in _JSON_WORDS:
        return name.strip(), value.strip()
    try:
        return name.strip(), msgspec.json.decode(value.strip())
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the value of {name.strip()} is no JSON: {error}") from error


def _lines(view: dict[str, Any]) -> list[str]:
    changed: list[str] = view["changed"]
    lines: list[str] = []
    for name, value in view.items():
        if name != "changed":
            shown = msgspec.json.encode(value).decode()
            lines.append(f"{name}: {cell(shown)}{' (changed)' if name in changed else ''}")
    return lines


def _checked(view: Row) -> str:
    if view["interval_s"] is None:
        return "off"
    if view["healthy"] is None:
        return "not yet"
    if view["healthy"] and not view["error"]:
        return f"ok, {view['elapsed_ms']} ms"
    return f"{'doubtful' if view['healthy'] else 'down'}: {view['error']}"


def _deployments(view: Row) -> str:
    shown: list[str] = []
    for each in view["deployments"]:
        rest = f", rests {each['cooldown_s']:.0f} s" if each["cooldown_s"] else ""
        state = "" if each["breaker"] == "closed" else f", breaker {each['breaker']}"
        shown.append(f"{each['model']} {each['in_flight']}/{each['limit']}{state}{rest}")
    return "; ".join(shown) or "-"

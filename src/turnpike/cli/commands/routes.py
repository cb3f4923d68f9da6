"""`turnpike routes`: names that stand for several deployments, and where a request would go."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_key
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.contract.routes import Need, StickyBy, Strategy
from turnpike.errors import InvalidRequest, NotFound

PATH = "/api/v1/routes"
_ID_LENGTH = 36

_Many = Parameter(negative="")
RouteName = Annotated[str, Parameter(help="The route's name.")]
_FIELDS = ("name", "description", "is_active", "rules", "note")


@Parameter(name="*")
@dataclass(frozen=True)
class RuleOptions:
    """What a rule says beside where it leads."""

    strategy: Annotated[Strategy, Parameter(help="How one of a group is chosen.")] = Strategy.WEIGHTED
    sticky_by: Annotated[StickyBy, Parameter(help="For the strategy sticky: what stays together.")] = StickyBy.SESSION
    fallback: Annotated[list[str] | None, _Many, Parameter(help="Another MODEL, when nothing else answers.")] = None
    region: Annotated[list[str] | None, _Many, Parameter(help="Only deployments there, * as a wildcard.")] = None
    rollout: Annotated[str | None, Parameter(help="MODEL=PERCENT: that share of the users is sent there first.")] = None
    mirror: Annotated[str | None, Parameter(help="MODEL=PERCENT: that share of the requests is copied there.")] = None


_USUAL = RuleOptions()


def set_route(
    name: RouteName,
    *,
    to: Annotated[
        list[str] | None,
        _Many,
        Parameter(help="MODEL or a deployment's id, with =WEIGHT behind it if need be. What is tried first."),
    ] = None,
    then: Annotated[
        list[str] | None, _Many, Parameter(help="The same, tried when all of those fail or rest; a group each time.")
    ] = None,
    how: RuleOptions = _USUAL,
    file: Annotated[
        Path | None, Parameter(help="JSON with `rules`, as the API takes them: conditions and all. - is the input.")
    ] = None,
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    note: Annotated[str | None, Parameter(help="Why it is changed: kept with the version.")] = None,
    active: Annotated[bool, Parameter(help="Switched on.")] = True,
    common: Common = DEFAULT,
) -> None:
    """Make a route, or a new version of it."""
    if (file is None) == (to is None):
        raise InvalidRequest("say where the route leads: with --to, or with a file of rules by --file")
    body: dict[str, Any] = {"name": name, "is_active": active}
    if file is not None:
        body.update(_read(file))
    else:
        rule: dict[str, Any] = {"strategy": how.strategy.value, "sticky_by": how.sticky_by.value}
        rule["groups"] = [[_member(each) for each in words(to)], *([_member(each)] for each in words(then))]
        rule["fallbacks"] = words(how.fallback)
        rule["regions"] = words(how.region)
        rule["rollout"] = _share(how.rollout, "--rollout")
        rule["mirror"] = _share(how.mirror, "--mirror")
        body["rules"] = [{key: value for key, value in rule.items() if value}]
    body.update({"description": description} if description is not None else {})
    body.update({"note": note} if note is not None else {})

    async def work(control: Control) -> None:
        same = await control.rows(PATH, name=name)
        made = (await control.patch(f"{PATH}/{same[0]['id']}", body) if same else await control.post(PATH, body)).data
        Output(common).result(made, f"Route [bold]{cell(name)}[/bold], version {made['version']}")

    with_control(common, work)


def _member(text: str) -> dict[str, Any]:
    """`gpt-4o=3`: a model, or a deployment's id, and its weight."""
    name, equals, weight = text.rpartition("=")
    if not equals or not weight.isdecimal():
        name, weight = text, ""
    kind = "deployment" if len(name) == _ID_LENGTH and name.count("-") == 4 and "/" not in name else "model"
    return {kind: name} | ({"weight": int(weight)} if weight else {})


def _share(text: str | None, option: str) -> dict[str, Any] | None:
    if text is None:
        return None
    name, _, percent = text.rpartition("=")
    try:
        return {"to": _member(name), "percent": float(percent.removesuffix("%"))} if name else _no_share(option, text)
    except ValueError:
        return _no_share(option, text)


def _no_share(option: str, text: str) -> dict[str, Any]:
    raise InvalidRequest(f"{option} {text!r}: write MODEL=PERCENT, such as gpt-4o-mini=5")


def _read(file: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{file} is no file of JSON: {error}") from error
    if isinstance(found, list):
        return {"rules": found}
    if not isinstance(found, dict) or "rules" not in found:
        raise InvalidRequest(f"{file} must hold a list of rules, or an object with `rules`")
    return {key: value for key, value in found.items() if key in _FIELDS and key != "name"}


def list_routes(*, common: Common = DEFAULT) -> None:
    """List routes."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH),
            (
                ("ROUTE", field("name")),
                ("VERSION", field("version")),
                ("ACTIVE", field("is_active")),
                ("RULES", lambda row: len(row["rules"])),
                ("LEADS TO", _leads_to),
                ("CHANGED", when("updated_at")),
            ),
            empty="No route yet: turnpike routes set NAME --to MODEL",
        )

    with_control(common, work)


def _leads_to(row: Row) -> object:
    found: list[str] = []
    for rule in row["rules"]:
        for group in rule["groups"]:
            found += [str(member.get("model") or member.get("deployment")) for member in group]
        found += rule.get("fallbacks") or []
    return list(dict.fromkeys(found))


def show(name: RouteName, *, common: Common = DEFAULT) -> None:
    """Show a route's rules."""

    async def work(control: Control) -> None:
        route = await _find(control, name)
        Output(common).result(
            route,
            f"[bold]{cell(name)}[/bold], version {route['version']}, {'on' if route['is_active'] else 'off'}",
            cell(json.dumps(route["rules"], indent=2)),
        )

    with_control(common, work)


def delete(name: RouteName, *, common: Common = DEFAULT) -> None:
    """Take a route away."""

    async def work(control: Control) -> None:
        route = await _find(control, name)
        gone = (await control.delete(f"{PATH}/{route['id']}")).data
        Output(common).result(gone, f"The route {cell(name)} is gone")

    with_control(common, work)


def versions(name: RouteName, *, common: Common = DEFAULT) -> None:
    """Show who changed a route, when, and why."""

    async def work(control: Control) -> None:
        route = await _find(control, name)
        Output(common).table(
            await control.rows(f"{PATH}/{route['id']}/versions"),
            (
                ("VERSION", field("version")),
                ("WHAT", field("action")),
                ("BY", field("made_by_name")),
                ("WHEN", when("made_at")),
                ("LEADS TO", _leads_to),
                ("NOTE", field("note")),
            ),
            empty="No version",
        )

    with_control(common, work)


def rollback(
    name: RouteName,
    version: Annotated[int, Parameter(help="As `routes versions` shows it.")],
    *,
    note: Annotated[str | None, Parameter(help="Why: kept with the version.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Make an old version of a route the newest."""

    async def work(control: Control) -> None:
        route = await _find(control, name)
        body = {"version": version, "note": note}
        made = (await control.post(f"{PATH}/{route['id']}/rollback", body)).data
        Output(common).result(made, f"{cell(name)} is as it was at version {version}; now {made['version']}")

    with_control(common, work)


def explain(
    model: Annotated[str, Parameter(help="What a caller would ask for.")],
    *,
    key: Annotated[str | None, Parameter(help="Whose request: a key's id, name or first characters.")] = None,
    user: Annotated[str | None, Parameter(help="Or a user's id.")] = None,
    operation: Annotated[str, Parameter(help="chat, embeddings, ...")] = "chat",
    tag: Annotated[list[str] | None, _Many, Parameter(help="Tags that it bears.")] = None,
    input_tokens: Annotated[int, Parameter(help="How long it is.")] = 0,
    need: Annotated[list[Need] | None, _Many, Parameter(help="What it asks of the model.")] = None,
    session: Annotated[str | None, Parameter(help="Its session, for sticky routes.")] = None,
    relay: Annotated[int | None, Parameter(help="Whose measurements are meant; default: the first relay's.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Say where a request would go, and why; nothing is sent."""

    async def work(control: Control) -> None:
        body: dict[str, Any] = {"model": model, "operation": operation, "tags": words(tag)}
        body.update(input_tokens=input_tokens, needs=[each.value for each in need or ()], session=session, relay=relay)
        if key is not None:
            body["key_id"] = (await find_key(control, key))["id"]
        if user is not None:
            body["user_id"] = user
        found = (await control.post(f"{PATH}/explain", body)).data
        output = Output(common)
        if common.json:
            output.result(found)
            return
        output.result(found, f"[bold]{cell(found['summary'])}[/bold]", *_told(found))
        output.table(
            found["candidates"],
            (
                ("ORDER", _place),
                ("MODEL", field("model")),
                ("PROVIDER", field("provider")),
                ("REGION", field("region")),
                ("AS", field("place")),
                ("SHARE", _percent),
                ("IN HAND", _in_hand),
                ("LATENCY", _latency),
                ("WHY NOT", field("reason")),
            ),
            empty="Nothing comes into question.",
        )

    with_control(common, work)


def _told(found: Row) -> list[str]:
    lines = [f"route {cell(found['route'])}, version {found['route_version']}"] if found["route"] else []
    for rule in found["rules"]:
        applies = "applies" if rule["number"] == found["rule"] else cell(rule["reason"]) if not rule["met"] else "met"
        lines.append(f"rule {rule['number']}: {applies}")
    if found["relay"] is not None:
        lines.append(f"as measured by relay {found['relay']} of {len(found['relays'])}; each measures for itself")
    lines += [f"policy {cell(each['name'])}: {cell(each['regions'])}" for each in found["residency"]]
    return lines


def _place(row: Row) -> object:
    return ("rests" if row["resting"] else row["rank"]) if row["included"] else "out"


def _in_hand(row: Row) -> object:
    seen = row["measured"]
    return None if seen is None else f"{seen['in_flight']}/{seen['limit']}"


def _latency(row: Row) -> object:
    seen = row["measured"]
    return None if seen is None or not seen["latency_s"] else f"{seen['latency_s'] * 1000:.0f} ms"


def _percent(row: Row) -> object:
    return None if row["share"] is None or not row["included"] else f"{row['share']:.0%}"


async def _find(control: Control, name: str) -> dict[str, Any]:
    """Raises NotFound."""
    rows = await control.rows(PATH, name=name)
    if not rows:
        raise NotFound(f"There is no route {name!r}; turnpike routes list shows those there are.")
    return rows[0]

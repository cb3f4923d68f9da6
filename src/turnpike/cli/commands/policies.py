"""`turnpike policies`: set, list, show, delete, test."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import id_of
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

PATH = "/api/v1/policies"
_Many = Parameter(negative="")
_List = list[str] | None
PolicyRef = Annotated[str, Parameter(help="Name or id.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Wanted:
    """What a policy is to do."""

    pii: Annotated[
        Literal["flag", "mask", "restore", "block"] | None,
        Parameter(help="What happens to personal data; --detect says to which."),
    ] = None
    detect: Annotated[
        _List, _Many, Parameter(help="Kinds or groups for --pii: email, card, national_id ... Default: all.")
    ] = None
    names: Annotated[
        Literal["flag", "mask", "restore", "block"] | None,
        Parameter(help="What happens to names of people and places in prompts; takes turnpike[names]."),
    ] = None
    term: Annotated[_List, _Many, Parameter(help="A word or phrase that is refused.")] = None
    injection: Annotated[
        Literal["flag", "block"] | None, Parameter(help="What happens to prompts that look like an injection.")
    ] = None
    moderation: Annotated[str | None, Parameter(help="Refuse what this moderation model flags.")] = None
    on: Annotated[Literal["prompt", "answer", "both"], Parameter(help="Where --pii and --term look.")] = "both"
    max_output_tokens: Annotated[int | None, Parameter(help="More is cut down to this.")] = None
    media: Annotated[Literal["block", "allow"] | None, Parameter(help="Images, sounds and files.")] = None
    fail_open: Annotated[bool, Parameter(negative="", help="Let pass what could not be looked at.")] = False
    disabled: Annotated[bool, Parameter(negative="", help="Keep it, but do not apply it.")] = False

    def guards(self) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        if self.pii is not None:
            on = "prompt" if self.pii == "restore" else self.on
            made.append({"name": "pii", "kind": "pii", "action": self.pii, "detect": words(self.detect), "on": on})
        if self.names is not None:
            made.append({"name": "names", "kind": "names", "action": self.names, "on": "prompt"})
        if self.term:
            made.append({"name": "terms", "kind": "terms", "action": "block", "terms": self.term, "on": self.on})
        if self.injection is not None:
            made.append({"name": "injection", "kind": "injection", "action": self.injection, "on": "prompt"})
        if self.moderation is not None:
            model = {"model": self.moderation, "on": "prompt"}
            made.append({"name": "moderation", "kind": "moderation", "action": "block", **model})
        return made


@Parameter(name="*")
@dataclass(frozen=True)
class For:
    """Whom it holds for."""

    key: Annotated[_List, _Many, Parameter(help="For this API key (name or id).")] = None
    user: Annotated[_List, _Many, Parameter(help="For this user (id, e-mail address or name).")] = None
    department: Annotated[_List, _Many, Parameter(help="For this department (id or name).")] = None
    model: Annotated[_List, _Many, Parameter(help="For models of this name, with * as a wildcard.")] = None
    tier: Annotated[_List, _Many, Parameter(help="For this tier.")] = None


_WANTED, _FOR = Wanted(), For()


def set_policy(
    name: PolicyRef,
    /,
    *,
    file: Annotated[
        str | None,
        Parameter(
            help="The whole policy as JSON, as `show --json` gives it; - reads standard input. Options add to it."
        ),
    ] = None,
    wanted: Wanted = _WANTED,
    whom: For = _FOR,
    common: Common = DEFAULT,
) -> None:
    """Make a policy, or replace the one of that name: nothing of it stays."""
    body = _read(file) if file is not None else {}
    body.update({"name": name, "guards": [*(body.get("guards") or []), *wanted.guards()]})
    body["enabled"] = not wanted.disabled and body.get("enabled", True)
    if wanted.max_output_tokens is not None:
        body["bounds"] = {**(body.get("bounds") or {}), "max_output_tokens": wanted.max_output_tokens}
    lists = {"models": words(whom.model), "tiers": words(whom.tier)}
    body.update({field_name: values for field_name, values in lists.items() if values})
    body.update({"media": wanted.media} if wanted.media is not None else {})
    body.update({"fail_closed": False} if wanted.fail_open else {})

    async def work(control: Control) -> None:
        people = {"key": words(whom.key), "user": words(whom.user), "department": words(whom.department)}
        for kind, named in people.items():
            if named:
                body[f"{kind}s"] = [await id_of(control, kind, each) for each in named]
        row = await _put(control, name, body)
        Output(common).result(row, f"The policy [bold]{cell(row['name'])}[/bold] holds for {cell(_applies(row))}.")

    with_control(common, work)


async def _put(control: Control, name: str, body: dict[str, Any]) -> Row:
    """Raises Answered."""
    rows = [row for row in await control.rows(PATH, search=name) if name in (row["name"], row["id"])]
    if not rows:
        return (await control.post(PATH, body)).data
    whole = {**_NEW, **body}
    whole["name"] = rows[0]["name"]
    return (await control.patch(f"{PATH}/{rows[0]['id']}", whole)).data


_NEW: dict[str, Any] = {
    "keys": [], "users": [], "departments": [], "tiers": [], "models": [], "bounds": None, "fail_closed": True,
    "media": "block", "priority": 100, "note": None,
}  # fmt: skip
"""What a policy says of which nothing was said."""
_SHOWN_ONLY = ("id", "created_at", "updated_at")


def _read(file: str) -> dict[str, Any]:
    """Raises InvalidRequest."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        read: Any = msgspec.json.decode(text)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"--file {file}: {error}") from error
    if not isinstance(read, dict):
        raise InvalidRequest(f"--file {file}: a policy is a JSON object")
    return {name: value for name, value in read.items() if name not in _SHOWN_ONLY}


def list_policies(*, common: Common = DEFAULT) -> None:
    """List policies."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH),
            (
                ("NAME", field("name")),
                ("ON", lambda row: "yes" if row["enabled"] else "no"),
                ("PRIORITY", field("priority")),
                ("GUARDS", _guards),
                ("FOR", _applies),
                ("ID", field("id")),
            ),
            empty="No policy yet: turnpike policies set NAME --pii mask",
        )

    with_control(common, work)


def show(name: PolicyRef, /, *, common: Common = DEFAULT) -> None:
    """Show a policy."""

    async def work(control: Control) -> None:
        row = (await control.get(f"{PATH}/{name}")).data
        lines = [f"[bold]{cell(row['name'])}[/bold] for {cell(_applies(row))}"]
        for guard in row["guards"]:
            what = ", ".join(guard["detect"] or guard["terms"] or guard["patterns"]) or guard["model"] or "all"
            lines.append(f"  {cell(guard['name'])}: {guard['action']} {guard['kind']} in {guard['on']}: {cell(what)}")
        bounds = {key: value for key, value in (row["bounds"] or {}).items() if value not in (None, [], {}, True)}
        lines += [f"  {cell(key)}: {cell(value)}" for key, value in bounds.items()]
        Output(common).result(row, *lines)

    with_control(common, work)


def delete(name: PolicyRef, /, *, common: Common = DEFAULT) -> None:
    """Delete a policy."""

    async def work(control: Control) -> None:
        reply = await control.delete(f"{PATH}/{name}")
        Output(common).result(reply.data, f"Deleted {cell(reply.data['name'])}.")

    with_control(common, work)


def try_out(
    text: Annotated[str, Parameter(help="The text; - reads standard input.")],
    /,
    *,
    policy: Annotated[str | None, Parameter(help="Name or id. Default: all that are switched on.")] = None,
    request: Annotated[bool, Parameter(negative="", help="The text is a whole request in JSON.")] = False,
    dialect: Annotated[str, Parameter(help="The form of a request.")] = "openai_chat",
    answer: Annotated[bool, Parameter(negative="", help="As an answer, not as a prompt.")] = False,
    common: Common = DEFAULT,
) -> None:
    """Show what policies find in a text, and what would go on."""
    given = sys.stdin.read() if text == "-" else text
    body: dict[str, Any] = {"policy": policy, "dialect": dialect, "side": "answer" if answer else "prompt"}
    if request:
        try:
            body["request"] = msgspec.json.decode(given)
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"--request: the text is no JSON: {error}") from error
    else:
        body["text"] = given

    async def work(control: Control) -> int:
        found = (await control.post(f"{PATH}/test", body)).data
        lines = [_line(each) for each in found["finds"]] or ["nothing found"]
        if found["passes"]:
            shown = found["goes_on"]
            lines += ["goes on:", cell(shown if isinstance(shown, str) else msgspec.json.encode(shown).decode())]
        else:
            lines.append("[bold]refused[/bold]")
        lines += [f"not asked: {cell(name)}" for name in found["not_asked"]]
        Output(common).result(found, *lines)
        return 0 if found["passes"] else 1

    code = with_control(common, work)
    if code:
        raise SystemExit(code)


def _line(find: Row) -> str:
    place = f" at {find['start']}-{find['end']}" if find["end"] else ""
    return f"{cell(find['policy'])}/{cell(find['guard'])}: {find['action']} {cell(find['kind'])}{place}"


def _guards(row: Row) -> object:
    named = [f"{guard['kind']}:{guard['action']}" for guard in row["guards"]]
    return [*named, *(["bounds"] if row["bounds"] else [])]


def _applies(row: Row) -> str:
    parts = [
        f"{name} {', '.join(row[name])}" for name in ("keys", "users", "departments", "tiers", "models") if row[name]
    ]
    return "; ".join(parts) or "the whole gateway"

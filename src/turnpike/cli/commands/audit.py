"""`turnpike audit`: tail, verify, heads, export, erase, cut."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from turnpike.cli.audit_file import verify_file
from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common, Follow, Lines
from turnpike.cli.output import Output, Row, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import past
from turnpike.errors import InvalidRequest

PATH = "/api/v1/audit"
_LOOK_S = 1.0
_MOST = 500
_FAILED = 1
_Since = Annotated[str | None, Parameter(help="From this time on: 24h (ago), 2026-01-31, or with a time.")]


def _who(row: Row) -> object:
    return row["actor_name"] or row["actor_id"] or row["actor"]


COLUMNS = (
    ("SEQ", field("seq")),
    ("TIME", when("at")),
    ("WHO", _who),
    ("ACTION", field("action")),
    ("OBJECT", field("object_id")),
    ("OUTCOME", lambda row: row["error_code"] or row["outcome"]),
    ("TIMES", lambda row: row["count"]),
    ("ADDRESS", field("address")),
)


def tail(
    *,
    lines: Lines = 20,
    follow: Follow = False,
    action: Annotated[str | None, Parameter(help="Only this action; `provider.*` for all on providers.")] = None,
    outcome: Annotated[Literal["ok", "refused", "failed"] | None, Parameter(help="Only these.")] = None,
    actor: Annotated[str | None, Parameter(help="Only what this user (id) did.")] = None,
    since: _Since = None,
    common: Common = DEFAULT,
) -> None:
    """Show the newest entries of the audit log."""
    filters = {
        "action": action,
        "outcome": outcome,
        "actor_id": actor,
        "from": past(since, "--since") if since else None,
    }

    async def work(control: Control) -> None:
        rows = list(reversed((await control.get(PATH, per_page=min(max(lines, 1), _MOST), **filters)).data))
        _show(rows, common, first=True)
        seen = rows[-1]["seq"] if rows else 0
        while follow:
            await asyncio.sleep(_LOOK_S)
            fresh = await newer(control, seen, filters)
            seen = fresh[-1]["seq"] if fresh else seen
            _show(fresh, common, first=False)

    with_control(common, work)


async def newer(control: Control, seen: int, filters: dict[str, str | None]) -> list[dict[str, Any]]:
    """All entries behind that one, the oldest first. What comes meanwhile moves others to the next page, where they are
    met again."""
    fresh: dict[int, dict[str, Any]] = {}
    page = 1
    while True:
        rows = (await control.get(PATH, page=page, per_page=_MOST, **filters)).data
        fresh.update({row["seq"]: row for row in rows if row["seq"] > seen})
        if len(rows) < _MOST or rows[-1]["seq"] <= seen:
            return [fresh[seq] for seq in sorted(fresh)]
        page += 1


def _show(rows: list[dict[str, Any]], common: Common, *, first: bool) -> None:
    Output(common).more(rows, COLUMNS, empty="No entry yet.", first=first)


def verify(
    *,
    file: Annotated[Path | None, Parameter(help="Check this export (ndjson) instead of the gateway's own log.")] = None,
    public_key: Annotated[str | None, Parameter(help="The key (hex) that must have signed the export.")] = None,
    against: Annotated[Path | None, Parameter(help="Signed heads, kept elsewhere, that must still be true.")] = None,
    common: Common = DEFAULT,
) -> int:
    """Recompute the audit log's chain and check its signatures."""
    if file is not None:
        return _say(verify_file(file, public_key), common)
    known = _read_heads(against) if against is not None else []

    async def work(control: Control) -> dict[str, Any]:
        total: dict[str, Any] = {}
        start: dict[str, int] = {}
        while True:
            part = (await control.get(f"{PATH}/verify", **start)).data
            entries = part["entries"] + total.get("entries", 0)
            heads = part["heads"] + total.get("heads", 0)
            erased = part["erased"] + total.get("erased", 0)
            first = total.get("first", part["first"])
            total = {**part, "first": first, "entries": entries, "heads": heads, "erased": erased}
            if part["complete"] or not part["ok"]:
                break
            start = {"from_seq": part["last"] + 1}
        if total["ok"] and known:
            await _compare(control, known, total)
        return total

    return _say(with_control(common, work), common)


def _read_heads(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
        heads = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines if line.strip()]
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path} has no signed heads in it, one JSON object a line") from error
    if not all({"seq", "hash", "public_key"} <= head.keys() for head in heads):
        raise InvalidRequest(f"{path} has no signed heads in it, one JSON object a line")
    return heads


async def _compare(control: Control, known: list[dict[str, Any]], total: dict[str, Any]) -> None:
    """The log must still hold what was signed once, under the same key."""
    for head in sorted(known, key=lambda head: head["seq"]):
        if head["seq"] <= total["first"]:
            continue
        problem = None
        if head["public_key"] != total["public_key"]:
            problem = "the head that was kept is signed by another key than this gateway's"
        elif head["seq"] > total["last"]:
            problem = f"entries after {total['last']} are missing: a head of {head['seq']} was kept"
        elif (await control.get(f"{PATH}/{head['seq']}")).data["hash"] != head["hash"]:
            problem = "it is not the entry whose signed head was kept"
        if problem is not None:
            total.update(ok=False, broken_seq=head["seq"], reason=problem)
            return


def _say(verdict: dict[str, Any], common: Common) -> int:
    said = f"{verdict['entries']} entries, {verdict['heads']} signed heads"
    if verdict["ok"]:
        Output(common).result(verdict, f"[bold]Whole[/bold]: {said}, up to entry {verdict['last']}.", _reach(verdict))
        return 0
    Output(common).result(
        verdict,
        f"[bold]Broken[/bold] at entry {verdict['broken_seq']}: {cell(verdict['reason'])}.",
        f"Checked: {said}.",
    )
    return _FAILED


def _reach(verdict: dict[str, Any]) -> str:
    """How far the signatures vouch for it."""
    reach = verdict["signed_seq"]
    if not reach:
        return "Nothing is signed: whoever can write to the database could take entries from its end."
    if not verdict["unsigned"]:
        return "It is signed to its end."
    return f"It is signed up to entry {reach}; {verdict['unsigned']} behind it are not signed yet."


def heads(*, common: Common = DEFAULT) -> None:
    """Sign where the audit log stands and write the signed heads out."""

    async def work(control: Control) -> None:
        await control.post(f"{PATH}/heads")
        async for row in control.pages(f"{PATH}/heads"):
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        sys.stdout.flush()

    with_control(common, work)


def export(
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["ndjson", "csv"], Parameter(help="ndjson: one JSON object a line; csv: with a heading.")
    ] = "ndjson",
    since: _Since = None,
    until: Annotated[str | None, Parameter(help="Before this time.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Write the audit log out with its proof."""
    filters = {
        "from": past(since, "--since") if since else None,
        "to": past(until, "--until") if until else None,
    }

    async def work(control: Control) -> None:
        async for chunk in control.lines(f"{PATH}/export", format=format, **filters):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()

    with_control(common, work)


def erase(user: Annotated[str, Parameter(help="Id of the user.")], /, *, common: Common = DEFAULT) -> None:
    """Remove a person's name and addresses from the audit log."""

    async def work(control: Control) -> None:
        reply = await control.post(f"{PATH}/erase", {"user_id": user})
        Output(common).result(reply.data, f"{reply.message}")

    with_control(common, work)


def cut(
    *,
    before: Annotated[str, Parameter(help="Entries older than this: 365d (ago), 2026-01-31, or with a time.")],
    common: Common = DEFAULT,
) -> None:
    """Remove old entries from the audit log, behind a signed mark."""
    moment = past(before, "--before")

    async def work(control: Control) -> None:
        reply = await control.post(f"{PATH}/cut", {"before": moment})
        Output(common).result(reply.data, f"{reply.message}")

    with_control(common, work)

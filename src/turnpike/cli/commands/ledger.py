"""`turnpike ledger`: tail, export."""

import asyncio
import sys
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common, Follow, Lines
from turnpike.cli.output import Output, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import past

PATH = "/api/v1/ledger"
_LOOK_S = 1.0
_MOST = 500
"""Rows that one page may have."""

COLUMNS = (
    ("TIME", when("started_at")),
    ("KEY", field("key_name")),
    ("MODEL", field("model_asked")),
    ("PROVIDER", field("provider")),
    ("STATUS", field("status")),
    ("IN", field("input_tokens")),
    ("OUT", field("output_tokens")),
    ("COST USD", lambda row: "unpriced" if row["cost_usd"] is None else row["cost_usd"]),
    ("MS", lambda row: round(row["total_us"] / 1000)),
    ("REQUEST", field("request_id")),
)


def tail(
    *,
    lines: Lines = 20,
    follow: Follow = False,
    common: Common = DEFAULT,
) -> None:
    """Show the newest calls, and with --follow those to come."""

    async def work(control: Control) -> None:
        wanted = min(max(lines, 1), _MOST)
        newest = (await control.get(PATH, per_page=_MOST if follow else wanted)).data
        _show(newest[:wanted][::-1], common, first=True)
        seen = {row["event_id"] for row in newest}
        while follow:
            await asyncio.sleep(_LOOK_S)
            fresh, seen = await newer(control, seen)
            _show(fresh, common, first=False)

    with_control(common, work)


async def newer(control: Control, seen: set[str]) -> tuple[list[dict[str, Any]], set[str]]:
    """The calls that are not among the newest of the look before, the oldest first; and the newest of this look. Calls
    are settled late, too: a new one may stand below older ones."""
    read: dict[str, dict[str, Any]] = {}
    page = 1
    while True:
        rows = (await control.get(PATH, page=page, per_page=_MOST)).data
        read.update({row["event_id"]: row for row in rows})
        if len(rows) < _MOST or any(row["event_id"] in seen for row in rows):
            return [row for name, row in reversed(read.items()) if name not in seen], set(read)
        page += 1


def _show(rows: list[dict[str, Any]], common: Common, *, first: bool) -> None:
    Output(common).more(rows, COLUMNS, empty="No call yet.", first=first)


def export(
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["ndjson", "csv"], Parameter(help="ndjson: one JSON object a line; csv: with a heading.")
    ] = "ndjson",
    since: Annotated[
        str | None, Parameter(help="Calls from this time on: 24h (ago), 2026-01-31, or with a time.")
    ] = None,
    until: Annotated[str | None, Parameter(help="Calls before this time.")] = None,
    key: Annotated[str | None, Parameter(help="Only those of this key (its id).")] = None,
    model: Annotated[str | None, Parameter(help="Only those that asked for this model.")] = None,
    provider: Annotated[str | None, Parameter(help="Only those at this provider (its slug).")] = None,
    common: Common = DEFAULT,
) -> None:
    """Write calls out, one row an event."""
    filters = {
        "from": past(since, "--since") if since else None,
        "to": past(until, "--until") if until else None,
        "key_id": key,
        "model_asked": model,
        "provider": provider,
    }

    async def work(control: Control) -> None:
        async for chunk in control.lines(f"{PATH}/export", format=format, **filters):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()

    with_control(common, work)

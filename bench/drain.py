"""How fast journals become ledger: `python -m bench.drain [--rows N] [--keys N] [--database-url URL]`.

Writes the journals of four dead relays, drains them as the drain's process does, and prints rows a second, the
CPU time a row took in this process, and how long a transaction held its locks. Without a URL: SQLite in a temporary
folder.
"""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from pydantic import SecretStr

from turnpike.contract.events import Caller, OpenRecord, Outcome, Served, UsageEvent, UsageSource
from turnpike.contract.journal import (
    FRAME,
    JOURNAL_VERSION,
    SEALED,
    SegmentHeader,
    pack_frame,
    pack_header,
    segment_name,
)
from turnpike.control.db.migrate import upgrade
from turnpike.control.drain.drain import Drain
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import LedgerWriter, open_writer
from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id
from turnpike.settings import Settings
from turnpike.wire.types.usage import Usage

RELAYS = 4
SEGMENT_BYTES = 4 * 1024 * 1024


def _callers(count: int) -> list[Caller]:
    return [Caller(new_id(), f"key {number}", new_id(), new_id()) for number in range(count)]


def _deployments(count: int) -> list[Served]:
    return [
        Served(new_id(), "openai", new_id(), new_id(), f"gpt-{n}", f"gpt-{n}-2026", "openai_chat", "genai-prices 0.2.3")
        for n in range(count)
    ]


def write_journals(folder: Path, rows: int, callers: list[Caller], deployments: list[Served]) -> None:
    """An open and a settle record for each row, as relays write them; keys are used by Zipf's law (1.1)."""
    encode = msgspec.msgpack.Encoder().encode
    picked = random.choices(callers, [1 / (n + 1) ** 1.1 for n in range(len(callers))], k=rows)
    for relay in range(RELAYS):
        home = folder / f"relay-{relay}"
        home.mkdir(parents=True)
        (home / "lock").touch()
        frames: list[bytes] = []
        for caller in picked[relay::RELAYS]:
            served, call, at = random.choice(deployments), UUID(new_id()).bytes, now_ms()
            opened = OpenRecord(
                call, 1, at, 900_000, new_id(), os.urandom(16).hex(), caller,
                "chat", "openai_chat", False, served.model, served,
            )  # fmt: skip
            frames.append(pack_frame(encode(opened)))
            frames.append(pack_frame(encode(_settled(opened))))
        _segments(home, frames)


def _settled(opened: OpenRecord) -> UsageEvent:
    return UsageEvent(
        event_id=opened.event_id,
        started_at_ms=opened.started_at_ms,
        request_id=opened.request_id,
        trace_id=opened.trace_id,
        caller=opened.caller,
        operation=opened.operation,
        dialect=opened.dialect,
        stream=opened.stream,
        model_asked=opened.model_asked,
        served=opened.served,
        status=200,
        outcome=Outcome.OK,
        error_code=None,
        usage=Usage(input_tokens=random.randrange(4000), output_tokens=random.randrange(800)),
        usage_source=UsageSource.REPORTED,
        cost_nanousd=123_456,
        first_byte_us=180_000,
        total_us=950_000,
        attempts=1,
    )


def _segments(home: Path, frames: list[bytes]) -> None:
    sequence, content = 1, bytearray()
    for frame in [*frames, b""]:
        if not frame or 64 + len(content) + len(frame) + FRAME.size > SEGMENT_BYTES:
            header = pack_header(SegmentHeader(JOURNAL_VERSION, bytes(16), sequence, now_ms()))
            whole = header + bytes(content) + FRAME.pack(SEALED, 0)
            (home / segment_name(sequence)).write_bytes(whole.ljust(SEGMENT_BYTES, b"\0"))
            sequence, content = sequence + 1, bytearray()
        content += frame


class _Watched:
    """Notes how long each transaction took, around the writer that is measured."""

    def __init__(self, writer: LedgerWriter) -> None:
        self.held_s: list[float] = []
        inner = writer._insert

        async def insert(rows: Any, totals: Any, money: Any) -> float:
            held_s = await inner(rows, totals, money)
            self.held_s.append(held_s)
            return held_s

        writer._insert = insert  # pyright: ignore[reportAttributeAccessIssue]

    def at(self, share: float) -> float:
        return sorted(self.held_s)[min(int(len(self.held_s) * share), len(self.held_s) - 1)] * 1000


async def measure(settings: Settings, arguments: argparse.Namespace) -> None:
    await upgrade(settings)
    if arguments.nice:
        os.setpriority(os.PRIO_PROCESS, 0, arguments.nice)
    for turn in range(arguments.turns):
        write_journals(settings.journal_dir, arguments.rows, _callers(arguments.keys), _deployments(arguments.models))
        writer, state = open_writer(settings), DrainState()
        watched = _Watched(writer)
        drain = Drain(settings.journal_dir, writer, state, charge_interrupted=True)
        cpu, wall = time.process_time(), time.monotonic()
        await drain.turn()
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        await writer.close()
        assert state.rows == arguments.rows
        name = "SQLite" if settings.database_url is None else "PostgreSQL"
        print(
            f"{name:<10} turn {turn}: {state.rows / wall:9,.0f} rows/s, {cpu / state.rows * 1e6:5.1f} us CPU a row, "
            f"{state.batches} transactions of {state.rows / state.batches:,.0f} rows, locks held "
            f"p50 {watched.at(0.5):.0f} ms, p99 {watched.at(0.99):.0f} ms, max {watched.at(1):.0f} ms"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--database-url", help="an empty PostgreSQL database")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="turnpike-drain-"))
    url = SecretStr(arguments.database_url) if arguments.database_url else None
    settings = Settings(_env_file=None, data_dir=folder, database_url=url)  # pyright: ignore[reportCallIssue]
    try:
        asyncio.run(measure(settings, arguments))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

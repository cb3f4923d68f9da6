"""Journals as a relay writes them, and as a crash, a torn page or a later version leaves them."""

import os
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import msgspec

from turnpike.contract.events import Abandoned, Caller, OpenRecord, Outcome, Record, Served, UsageEvent, UsageSource
from turnpike.contract.journal import (
    FRAME,
    HEADER_BYTES,
    JOURNAL_VERSION,
    SEALED,
    SegmentHeader,
    lock_folder,
    pack_frame,
    pack_header,
    segment_name,
)
from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id
from turnpike.wire.types.usage import Usage

_encode = msgspec.msgpack.Encoder().encode

CALLER = Caller("key-1", "first key", "user-1", "department-1")
SERVED = Served(
    "provider-1", "openai", "deployment-1", "credential-1", "gpt-a", "gpt-a-2026", "openai_chat", "genai-prices 1"
)


def event_id() -> bytes:
    return UUID(new_id()).bytes


def open_record(call: bytes, *, attempt: int = 1, **values: Any) -> OpenRecord:
    defaults: dict[str, Any] = {
        "started_at_ms": now_ms(),
        "reserved_nanousd": 5_000,
        "request_id": f"req-{call.hex()}",
        "trace_id": None,
        "caller": CALLER,
        "operation": "chat",
        "dialect": "openai_chat",
        "stream": False,
        "model_asked": "gpt-a",
        "served": SERVED,
    }
    return OpenRecord(event_id=call, attempt=attempt, **{**defaults, **values})


def usage_event(call: bytes, **values: Any) -> UsageEvent:
    defaults: dict[str, Any] = {
        "started_at_ms": now_ms(),
        "request_id": f"req-{call.hex()}",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "caller": CALLER,
        "operation": "chat",
        "dialect": "openai_chat",
        "stream": False,
        "model_asked": "gpt-a",
        "served": SERVED,
        "status": 200,
        "outcome": Outcome.OK,
        "error_code": None,
        "usage": Usage(input_tokens=10, output_tokens=5, reasoning_tokens=2),
        "usage_source": UsageSource.REPORTED,
        "cost_nanousd": 1_500,
        "first_byte_us": 900,
        "total_us": 2_000,
        "attempts": 1,
    }
    return UsageEvent(event_id=call, **{**defaults, **values})


def refused_event(call: bytes, **values: Any) -> UsageEvent:
    """A request that no upstream saw."""
    defaults: dict[str, Any] = {
        "served": None,
        "status": 403,
        "outcome": Outcome.REFUSED,
        "error_code": "MODEL_FORBIDDEN",
        "usage": None,
        "usage_source": UsageSource.NONE,
        "cost_nanousd": None,
        "first_byte_us": 0,
        "attempts": 0,
    }
    return usage_event(call, **{**defaults, **values})


def abandoned(cost_nanousd: int | None = 700) -> Abandoned:
    return Abandoned(SERVED, 503, "UPSTREAM_UNREACHABLE", cost_nanousd)


class JournalWriter:
    """One relay incarnation. `die` leaves what kill -9 leaves: the files, and no lock."""

    def __init__(self, journal_dir: Path, name: str | None = None, *, segment_bytes: int = 64 * 1024) -> None:
        self.name = name or event_id().hex()
        self.folder = journal_dir / self.name
        self.folder.mkdir(parents=True)
        self.segment_bytes = segment_bytes
        self._lock = lock_folder(self.folder)
        assert self._lock is not None
        self.sequence = 0
        self._file = -1
        self.offset = 0
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    # ---- as a relay does

    def open(self, call: bytes, **values: Any) -> bytes:
        self.append(open_record(call, **values))
        return call

    def settle(self, call: bytes, **values: Any) -> bytes:
        self.append(usage_event(call, **values))
        return call

    def call(self, **values: Any) -> bytes:
        """Opened and settled."""
        call = event_id()
        self.open(call)
        return self.settle(call, **values)

    def append(self, record: Record) -> None:
        self.append_payload(_encode(record))

    def append_payload(self, payload: bytes) -> None:
        frame = pack_frame(payload)
        if self.offset + len(frame) + FRAME.size > self.segment_bytes:
            self.roll()
        os.pwrite(self._file, frame[FRAME.size :], self.offset + FRAME.size)
        os.pwrite(self._file, frame[: FRAME.size], self.offset)
        self.offset += len(frame)

    def roll(self) -> None:
        """Seals the segment and begins the next."""
        os.pwrite(self._file, FRAME.pack(SEALED, 0), self.offset)
        os.close(self._file)
        self._begin()

    def _begin(self, *, version: int = JOURNAL_VERSION) -> None:
        self.sequence += 1
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.ftruncate(self._file, self.segment_bytes)
        os.pwrite(self._file, pack_header(SegmentHeader(version, b"i" * 16, self.sequence, now_ms())), 0)
        self.offset = HEADER_BYTES

    @property
    def path(self) -> Path:
        """Of the segment being written."""
        return self.folder / segment_name(self.sequence)

    # ---- as the world does

    def die(self) -> None:
        if self._lock is not None:
            os.close(self._file)
            os.close(self._lock)
            self._lock = None

    def tear(self, record: Record, keep: int) -> None:
        """A frame of which only the length, the checksum and the first `keep` bytes arrived."""
        frame = pack_frame(_encode(record))
        os.pwrite(self._file, frame[: FRAME.size + keep], self.offset)

    def write_raw(self, offset: int, data: bytes) -> None:
        os.pwrite(self._file, data, offset)


def flip_bit(path: Path, offset: int, bit: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def files_left(journal_dir: Path) -> list[str]:
    """What lies in the journals, without locks."""
    return sorted(
        f"{path.parent.name}/{path.name}" for path in journal_dir.rglob("*") if path.is_file() and path.name != "lock"
    )

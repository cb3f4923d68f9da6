"""The call log: every request that reaches the simulator, written down before it is answered.

In memory it is a bounded list that `GET /_sim/calls` shows; in a file it is one line of JSON a call, handed to the
operating system at once, so that it is complete up to the moment the process is killed.
"""

import os
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

from turnpike.kit.clock import from_ms, rfc3339

KEPT_CALLS = 200_000
KEPT_BODIES = 500
MAX_KEPT_BODY_BYTES = 256 * 1024

_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie"}
)
_encode = msgspec.json.Encoder().encode


class CallRecord(msgspec.Struct):
    """One request. `ended` says how its answer went: None while it is running, then `complete`, `client_left` or
    `faulted` (the simulator broke it off on purpose)."""

    number: int
    time: str
    method: str
    path: str
    model: str | None
    stream: bool
    request_id: str | None
    """The caller's `x-request-id`."""
    fault: str | None
    key_hint: str | None
    """The last four characters of the credential."""
    status: int | None = None
    ended: str | None = None


class _Kept(msgspec.Struct):
    headers: dict[str, str]
    body: bytes


def _key_hint(headers: dict[str, str]) -> str | None:
    secret = (
        headers.get("x-api-key")
        or headers.get("x-goog-api-key")
        or headers.get("authorization", "").removeprefix("Bearer ")
    )
    return secret[-4:] if len(secret) > 8 else None


class CallLog:
    """`file` is appended to; None keeps the log in memory only. Raises OSError when the file cannot be opened."""

    def __init__(self, file: Path | None = None) -> None:
        self._calls: deque[CallRecord] = deque(maxlen=KEPT_CALLS)
        self._details: dict[int, _Kept] = {}
        self._number = 0
        self._fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if file is not None else None

    def add(
        self,
        *,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        model: str | None,
        stream: bool,
        fault: str | None,
    ) -> CallRecord:
        self._number += 1
        record = CallRecord(
            number=self._number,
            time=rfc3339(from_ms(time.time_ns() // 1_000_000)),
            method=method,
            path=path,
            model=model,
            stream=stream,
            request_id=headers.get("x-request-id"),
            fault=fault,
            key_hint=_key_hint(headers),
        )
        self._calls.append(record)
        self._keep(record.number, headers, body)
        if self._fd is not None:
            os.write(self._fd, _encode(record) + b"\n")
        return record

    def _keep(self, number: int, headers: dict[str, str], body: bytes) -> None:
        self._details[number] = _Kept(headers, body[:MAX_KEPT_BODY_BYTES])
        self._details.pop(number - KEPT_BODIES, None)

    def clear(self) -> None:
        """Forgets the calls in memory; the file is history and stays."""
        self._calls.clear()
        self._details.clear()

    def as_json(self, *, bodies: bool, last: int | None) -> list[dict[str, Any]]:
        """The calls, oldest first. With `bodies` the newest ones carry their headers (credentials hidden) and body."""
        records = list(self._calls)
        if last is not None:
            records = records[-last:] if last else []
        return [self._describe(record, bodies=bodies) for record in records]

    def _describe(self, record: CallRecord, *, bodies: bool) -> dict[str, Any]:
        described: dict[str, Any] = msgspec.to_builtins(record)
        kept = self._details.get(record.number) if bodies else None
        if kept is not None:
            described["headers"] = {
                name: "(hidden)" if name in _CREDENTIAL_HEADERS else value for name, value in kept.headers.items()
            }
            described["body"] = kept.body.decode("utf-8", "replace")
        return described

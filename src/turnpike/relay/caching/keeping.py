"""One call's answer on its way to being kept: watched while it goes to its caller, and kept once it is settled.

Only what was answered well and whole is kept: no errors, nothing cut off, nothing that a filter or a limit ended, and
nothing in which a guard found anything.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from turnpike.contract.caching import KeptAnswer
from turnpike.contract.events import UsageSource
from turnpike.relay.caching.replay import whole_of_stream
from turnpike.relay.settle import cost_of
from turnpike.relay.stream import Around
from turnpike.wire.caching import is_whole

if TYPE_CHECKING:
    from turnpike.contract.caching import CacheRule
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.caching.cache import AnswerCache
    from turnpike.relay.call import Call
    from turnpike.relay.gates import Governed
    from turnpike.relay.outlets import Outlet
    from turnpike.relay.stream import Lane
    from turnpike.wire.types.usage import Usage

_STREAM_TIMES = 16
"""A stream is so many times the bytes of the same answer, at the most: every token in a frame of its own."""


class Watching(Around):
    """A lane around another one that remembers what went through."""

    __slots__ = ("_limit_bytes", "_pieces", "_size")

    def __init__(self, inner: "Lane", limit_bytes: int) -> None:
        super().__init__(inner)
        self._limit_bytes = limit_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        return self._seen(self._inner.feed(data))

    def end(self) -> bytes:
        return self._seen(self._inner.end())

    def _seen(self, out: bytes) -> bytes:
        if self._size <= self._limit_bytes:
            self._pieces.append(out)
            self._size += len(out)
            if self._size > self._limit_bytes:
                self._pieces.clear()
        return out

    def whole(self) -> bytes | None:
        """All of it, once the stream is whole and if it was not too large."""
        if not self._inner.finished or self._inner.error is not None or self._size > self._limit_bytes:
            return None
        return b"".join(self._pieces)


class Keeping:
    """Outlet and hold of one call."""

    __slots__ = ("_before", "_body", "_cache", "_key", "_lane", "_leads", "_model", "_rule", "_space", "_vector")

    def __init__(
        self,
        cache: "AnswerCache",
        rule: "CacheRule",
        key: bytes,
        model: str,
        before: "tuple[Outlet, ...]",
        *,
        leads: bool,
    ) -> None:
        """`before`: who sees the answer first; what one of them touched is not kept. `leads`: others that ask the same
        wait for this answer."""
        self._cache = cache
        self._rule = rule
        self._key = key
        self._model = model
        self._leads = leads
        self._before = before
        self._space: bytes | None = None
        self._vector = b""
        self._body: bytes | None = None
        self._lane: Watching | None = None

    def place(self, space: bytes, vector: bytes) -> None:
        """Where the question stands among those like it."""
        self._space, self._vector = space, vector

    # ---- Outlet

    @property
    def rules(self) -> bytes | None:
        return None

    @property
    def touched(self) -> bool:
        return False

    def whole(self, attempt: "Attempt", body: bytes, /) -> bytes | None:
        self._body = body
        return body

    def lane(self, attempt: "Attempt", lane: "Lane", /) -> "Lane":
        self._lane = Watching(lane, self._rule.max_entry_bytes * _STREAM_TIMES)
        return self._lane

    # ---- Hold

    def release(self, call: "Governed", usage: "Usage | None", cost_nanousd: int | None) -> None:
        ended = cast("Call", call)
        # The caller has its answer first.
        asyncio.get_running_loop().call_soon(self._take, ended, ended.attempt, usage)

    def _take(self, call: "Call", attempt: "Attempt | None", usage: "Usage | None") -> None:
        try:
            if attempt is not None:
                self._keep(call, attempt, usage)
        except Exception as error:  # noqa: BLE001 - the last line of defence: whoever waits for this answer must be told
            call.relay.log.failure("answer not kept", error, request_id=call.request_id)
        if self._leads:
            for wake in self._cache.flights.pop(self._key, ()):
                wake()

    def _keep(self, call: "Call", attempt: "Attempt", usage: "Usage | None") -> None:
        if any(outlet.touched for outlet in self._before):
            return
        body = self._body
        if body is None and self._lane is not None:
            data = self._lane.whole()
            body = None if data is None else whole_of_stream(call, data, usage)
        if body is None or len(body) > self._rule.max_entry_bytes or not is_whole(call.route.call_dialect, body):
            return
        source = UsageSource.ESTIMATED if attempt.usage is None else UsageSource.REPORTED
        caller = call.entry.caller
        kept = KeptAnswer(
            call.started_at_ms,
            call.started_at_ms + self._rule.ttl_s * 1000,
            self._model,
            caller.key_id,
            caller.user_id,
            usage,
            source,
            cost_of(attempt, usage, source),
            body,
        )
        self._cache.keep(self._key, kept, self._space, self._vector)

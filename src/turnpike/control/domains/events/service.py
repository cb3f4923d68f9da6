"""One stream of events: what its follower may see, as long as the follower may."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from turnpike.control.db.database import UNREACHABLE
from turnpike.control.domains.events import repository
from turnpike.control.domains.events.scope import scope_of
from turnpike.control.events.kinds import wanted
from turnpike.control.events.outbox import body
from turnpike.control.services import ControlServices
from turnpike.control.web.principal import Principal
from turnpike.errors import TurnpikeError
from turnpike.kit.sse import encode_sse

PAGE = 200
HEARTBEAT_S = 15.0
LOOK_S = 0.4
"""How often it is looked whether anything changed about who follows."""
CHECK_S = 5.0
"""How often the follower is asked for again though nothing was heard of: a time may be over."""
RETRY_MS = 2_000
log = structlog.get_logger()


class Following:
    """`again` says who the follower is now, or raises what keeps them out."""

    def __init__(
        self,
        control: ControlServices,
        principal: Principal,
        again: Callable[[], Awaitable[Principal]],
        *,
        after: int,
        types: list[str],
    ) -> None:
        self._control = control
        self._again = again
        self._scope = scope_of(principal)
        self._after = after
        self._types = types
        self._generation = control.signin.presence.generation
        self._checked = self._said = time.monotonic()

    async def parts(self) -> AsyncIterator[bytes]:
        streams = self._control.streams
        yield b": turnpike\n\n" + encode_sse("{}", event="hello", event_id=str(self._after), retry_ms=RETRY_MS)
        while not streams.closed and await self._may_stay():
            async for part in self._new():
                self._said = time.monotonic()
                yield part
            if time.monotonic() - self._said >= HEARTBEAT_S:
                self._said = time.monotonic()
                yield b": \n\n"
            await streams.wait(self._after, LOOK_S)

    async def _may_stay(self) -> bool:
        generation = self._control.signin.presence.generation
        if generation == self._generation and time.monotonic() - self._checked < CHECK_S:
            return True
        try:
            self._scope = scope_of(await self._again())
        except TurnpikeError as error:
            log.info("event_stream_ended", reason=error.code)
            return False
        self._generation, self._checked = generation, time.monotonic()
        return True

    async def _new(self) -> AsyncIterator[bytes]:
        """What is there and was not told yet."""
        until = self._control.streams.head
        while self._after < until and not self._control.streams.closed:
            try:
                async with self._control.streams.reading, self._control.database.read() as session:
                    rows = await repository.after(session, self._scope, self._after, until, PAGE)
            except UNREACHABLE:
                return
            for row in rows:
                if not self._types or wanted(self._types, row.type):
                    yield encode_sse(body(row), event=row.type, event_id=str(row.seq))
            last = rows[-1].seq if len(rows) == PAGE else until
            self._after = until if last is None else last

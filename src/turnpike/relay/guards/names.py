"""The relay's end of the line to the worker, which finds names of people and places in texts.

The line is opened with the first question, or when a policy that will ask is put in force: by that the worker is
started, if it does not run. A question is answered once: with what was found, or with None when nobody answered in
time.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import msgspec

from turnpike.contract.names import AskNames, Name, NamesFound, NamesUnpacker, pack_names

if TYPE_CHECKING:
    from turnpike.relay.core import Relay

Told = Callable[[tuple[tuple[Name, ...], ...] | None], None]


class NamesLine(asyncio.Protocol):
    """All questions of a relay."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._unpacker = NamesUnpacker(NamesFound)
        self._dialing: asyncio.Task[None] | None = None
        self._last_id = 0
        self._waiting: dict[int, tuple[Told, asyncio.TimerHandle]] = {}
        self._unsent: list[bytes] = []

    def wake(self) -> None:
        """So that the worker is there, with its models, when the first question comes."""
        if self._transport is None and self._dialing is None:
            self._dialing = asyncio.get_running_loop().create_task(self._dial())

    def ask(self, texts: tuple[str, ...], told: Told) -> None:
        within_s = self._relay.settings.guard_timeout_s
        self._last_id += 1
        number = self._last_id
        timer = asyncio.get_running_loop().call_later(within_s, self._answer, number, None)
        self._waiting[number] = (told, timer)
        message = pack_names(AskNames(number, texts, within_s))
        if self._transport is None:
            self._unsent.append(message)
            self.wake()
        else:
            self._transport.write(message)

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast("asyncio.Transport", transport)
        self._unpacker = NamesUnpacker(NamesFound)
        made.writelines(self._unsent)
        self._unsent = []

    def data_received(self, data: bytes) -> None:
        try:
            for found in self._unpacker.feed(data):
                self._take(found)
        except (ValueError, msgspec.DecodeError) as error:
            self._relay.log.failure("the worker's answer cannot be read", error)
            assert self._transport is not None
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lose_all()

    # ---- inside

    async def _dial(self) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, self._relay.settings.worker_socket)
        except OSError as error:
            self._relay.log.warning("the worker cannot be reached", error=str(error))
            self._lose_all()
        finally:
            self._dialing = None

    def _lose_all(self) -> None:
        self._unsent = []
        for number in list(self._waiting):
            self._answer(number, None)

    def _take(self, found: NamesFound) -> None:
        if found.problem is not None:
            self._relay.log.warning("the worker finds no names", reason=found.problem)
        self._answer(found.id, None if found.problem is not None else found.texts)

    def _answer(self, number: int, found: tuple[tuple[Name, ...], ...] | None) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            told, timer = waiting
            timer.cancel()
            told(found)

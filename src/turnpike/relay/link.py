"""The line to control: snapshots, resolved keys and changes come in, questions and counters go out.

While control is away the relay goes on with what it has; the line is taken up again as soon as control is back.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import msgspec

from turnpike.contract import CONTRACT_VERSION
from turnpike.contract.budgets import MoneyLent, RecallMoney
from turnpike.contract.caching import Kept
from turnpike.contract.leases import LeaseAnswer, LimitsReset
from turnpike.contract.messages import (
    AskCounters,
    AskHealth,
    Counters,
    GrantsChanged,
    Health,
    Hello,
    KeyResolved,
    MessageError,
    ProvidersDown,
    PushSnapshot,
    Refused,
    ResolveKey,
    ToControl,
    ToRelay,
    Unpacker,
    pack,
)
from turnpike.contract.objects import ObjectsFound, ObjectsKept

if TYPE_CHECKING:
    from turnpike.relay.core import Relay

_RETRY_S = 0.1
_COUNTERS_EVERY_S = 2.0
_ANSWER_WITHIN_S = 3.0
_HEALTH_WITHIN_S = 0.2
_decoder = msgspec.msgpack.Decoder(ToRelay)


class Link(asyncio.Protocol):
    """Connects, and connects again. `ready` is set once a snapshot is in force."""

    def __init__(self, relay: "Relay", incarnation: str) -> None:
        self._relay = relay
        self._incarnation = incarnation
        self._transport: asyncio.Transport | None = None
        self._unpacker = Unpacker(_decoder)
        self._lost = asyncio.Event()
        self._next_id = 0
        self._health: dict[int, Callable[[dict[str, str] | None], None]] = {}
        self._asked: dict[bytes, float] = {}
        """Digests that control has not answered yet and when each was asked for, oldest first."""
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Keeps the line up until cancelled."""
        loop = asyncio.get_running_loop()
        path = self._relay.settings.contract_socket
        while True:
            self._lost.clear()
            try:
                await loop.create_unix_connection(lambda: self, path)
            except OSError:
                await asyncio.sleep(_RETRY_S)
                continue
            await self._lost.wait()
            await asyncio.sleep(_RETRY_S)

    async def send_counters_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_COUNTERS_EVERY_S)
            self._send(Counters(0, self._relay.samples(), self._relay.load.states(self._relay.now())))

    def resolve(self, digest: bytes) -> None:
        """Asks who a key is. The answer comes through `Keys.answered`; `sweep` sees to it that one comes."""
        self._asked[digest] = self._relay.tick.now
        self._send(ResolveKey(self._id(), digest, self._relay.keys.token_of(digest)))

    def ask_health(self, answer: Callable[[dict[str, str] | None], None]) -> None:
        """Tells `answer` control's checks, or None when it does not say within 200 ms."""
        number = self._id()
        self._health[number] = answer
        self._send(AskHealth(number))
        asyncio.get_running_loop().call_later(_HEALTH_WITHIN_S, self._health_answered, number, None)

    def sweep(self) -> None:
        oldest = self._relay.tick.now - _ANSWER_WITHIN_S
        for digest, asked_at in list(self._asked.items()):
            if asked_at >= oldest:
                break
            del self._asked[digest]
            self._relay.keys.give_up(digest)

    # ---- for who asks of objects (turnpike.relay.passage.owners.Line)

    @property
    def is_up(self) -> bool:
        return self._transport is not None

    def next_id(self) -> int:
        return self._id()

    def tell(self, message: ToControl) -> None:
        self._send(message)

    def ask_for_slices(self, message: ToControl) -> bool:
        """False: the line is down."""
        self._send(message)
        return self._transport is not None

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not _same_user(transport.get_extra_info("socket")):
            self._relay.log.error("contract socket belongs to another user")
            transport.close()
            return
        self._transport = cast("asyncio.Transport", transport)
        self._unpacker = Unpacker(_decoder)
        settings = self._relay.settings
        self._send(Hello(CONTRACT_VERSION, settings.relay, self._incarnation, os.getpid()))
        for digest in self._relay.keys.open_questions():
            self._send(ResolveKey(self._id(), digest, self._relay.keys.token_of(digest)))

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._unpacker.feed(data):
                self._take(message)
        except MessageError as error:
            self._relay.log.failure("contract broken", error)
            assert self._transport is not None
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._relay.log.warning("control is away")
        self._transport = None
        self._relay.owners.lost()
        self._relay.answers.shelf.lost()
        self._relay.limits.lost()
        self._relay.money.lost()
        # Nobody says any longer when they are well again: from here on they are judged by their answers alone.
        self._relay.backends.found_down(frozenset())
        self._lost.set()

    # ---- inside

    def _take(self, message: ToRelay | ToControl) -> None:
        relay = self._relay
        match message:
            case KeyResolved():
                self._asked.pop(message.digest, None)
                relay.keys.answered(message.digest, message.grant, unavailable=message.unavailable, now=relay.tick.now)
            case PushSnapshot():
                relay.apply(message.snapshot)
                self.ready.set()
            case GrantsChanged():
                relay.keys.forget(message.key_ids)
            case AskCounters():
                self._send(Counters(message.id, relay.samples(), relay.load.states(relay.now())))
            case Health():
                self._health_answered(message.id, message.checks)
            case LeaseAnswer():
                relay.limits.answered(message)
            case LimitsReset():
                relay.limits.reset(message)
            case ObjectsFound() | ObjectsKept():
                relay.owners.answered(message)
            case Kept():
                relay.answers.shelf.answered(message)
            case MoneyLent():
                relay.money.answered(message)
            case RecallMoney():
                relay.money.recalled(message.budget_id)
            case ProvidersDown():
                relay.backends.found_down(frozenset(message.slugs))
            case Refused():
                relay.log.error("control refused this relay", reason=message.reason)
            case _:
                relay.log.warning("unexpected message", kind=type(message).__name__)

    def _health_answered(self, number: int, checks: dict[str, str] | None) -> None:
        answer = self._health.pop(number, None)
        if answer is not None:
            answer(checks)

    def _send(self, message: ToControl) -> None:
        if self._transport is not None:
            self._transport.write(pack(message))

    def _id(self) -> int:
        self._next_id += 1
        return self._next_id


def _same_user(sock: socket.socket | None) -> bool:
    """Whether the process behind the socket is our own user's (where the system tells)."""
    option = getattr(socket, "SO_PEERCRED", None)
    if sock is None or option is None:
        return True
    _, user, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return user == os.getuid()

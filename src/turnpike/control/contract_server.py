"""The contract socket: relays come here for snapshots, grants and word of what changed, and bring their counters.

The socket's file is for its owner alone, and the peer's user id is checked as well: over it travel provider keys in
clear. It does not know what a snapshot holds; the keeper does.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec
import structlog

from turnpike.contract import CONTRACT_VERSION
from turnpike.contract.budgets import AskMoney
from turnpike.contract.caching import FindSimilar, GetKept, PutKept
from turnpike.contract.grants import KeyGrant
from turnpike.contract.leases import LeaseAnswer, LeaseAsk, LimitsReset
from turnpike.contract.messages import (
    AskHealth,
    Counters,
    GrantsChanged,
    Health,
    Hello,
    KeyResolved,
    MessageError,
    ProvidersDown,
    Refused,
    ResolveKey,
    ToControl,
    ToRelay,
    Unpacker,
    pack,
)
from turnpike.contract.objects import DropObject, FindObjects, KeepObjects, ObjectSeen
from turnpike.control.domains.budgets.lender import Lender as MoneyLender
from turnpike.control.domains.caching.desk import AnswerDesk, CacheMessage
from turnpike.control.domains.objects.service import ObjectDesk, ObjectMessage
from turnpike.control.keeper import Keeper
from turnpike.control.lending import Lender
from turnpike.control.peers import peer_uid
from turnpike.control.provider_health import ProviderHealth
from turnpike.control.relay_metrics import RelayMetrics
from turnpike.control.signin.callers import Callers
from turnpike.errors import TurnpikeError, Unavailable

READ_BYTES = 256 * 1024
HELLO_TIMEOUT_S = 10.0
MAX_UNSENT_BYTES = 512 * 1024 * 1024
"""A relay that reads this slowly is stuck: it is cut off, and comes back for a fresh start."""
MAX_RESOLVING = 256
"""Keys that one relay may have in question at a time; beyond that its next message waits."""
MAX_REMEMBERED_CHANGES = 10_000

log = structlog.get_logger()
_decoder = msgspec.msgpack.Decoder(ToControl)


class ContractServer:
    """`health` gives the answer to AskHealth. `uid` is whose relays are let in; by default our own."""

    def __init__(
        self,
        path: Path,
        keeper: Keeper,
        metrics: RelayMetrics,
        health: Callable[[], dict[str, str]],
        *,
        objects: ObjectDesk | None = None,
        answers: AnswerDesk | None = None,
        callers: Callers | None = None,
        money: MoneyLender | None = None,
        lender: Lender | None = None,
        provider_health: ProviderHealth | None = None,
        uid: int | None = None,
    ) -> None:
        self._path = path
        self.objects = objects
        self.answers = answers
        self.callers = callers
        self.money = money
        if money is not None:
            money.tell_all = self.tell_all
            money.relays = lambda: len(self.links)
        self.lender = lender
        if lender is not None:
            lender.relays = lambda: len(self.links)
        self.keeper = keeper
        self.metrics = metrics
        self.health = health
        self._uid = os.geteuid() if uid is None else uid
        self._server: asyncio.Server | None = None
        self.links: set[RelayLink] = set()
        self._changed: set[str] | None = set()
        self._provider_health = provider_health
        if provider_health is not None:
            provider_health.listen(self.providers_down)
        keeper.listen(self)

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Between bind and chmod the folder protects the socket: it is for its owner alone.
        listening.bind(str(self._path))
        self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=READ_BYTES)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for link in list(self.links):
            link.close()
        if self._server is not None:
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid != self._uid:
            log.warning("contract_peer_refused", uid=uid)
            writer.write(pack(Refused("This socket is for the user that control runs as.")))
            writer.close()
            return
        link = RelayLink(self, reader, writer)
        self.links.add(link)
        try:
            await link.run()
        finally:
            self.links.discard(link)
            link.close()

    def limits_reset(self, counters: tuple[tuple[str, str, int], ...]) -> None:
        """What relays hold of these counters is of before."""
        self.tell_all(LimitsReset(counters))

    def tell_all(self, message: ToRelay) -> None:
        packed = pack(message)
        for link in self.links:
            link.send_packed(packed)

    # ---- the keeper's words

    def snapshot_changed(self, packed: bytes) -> None:
        for link in self.links:
            link.send_packed(packed)

    def providers_down(self, slugs: frozenset[str]) -> None:
        message = pack(ProvidersDown(tuple(sorted(slugs))))
        for link in self.links:
            link.send_packed(message)

    @property
    def down(self) -> frozenset[str]:
        """Slugs of the providers that fail their health checks."""
        return self._provider_health.down if self._provider_health is not None else frozenset()

    def grants_changed(self, key_ids: list[str] | None) -> None:
        self._remember(key_ids)
        message = pack(GrantsChanged(None if key_ids is None else tuple(key_ids)))
        for link in self.links:
            link.send_packed(message)

    def _remember(self, key_ids: list[str] | None) -> None:
        if key_ids is None or self._changed is None:
            self._changed = None
            return
        self._changed.update(key_ids)
        if len(self._changed) > MAX_REMEMBERED_CHANGES:
            self._changed = None

    def changed_so_far(self) -> GrantsChanged | None:
        """What a relay must forget that comes back after it lost us: it may have missed some of it."""
        if self._changed is None:
            return GrantsChanged(None)
        return GrantsChanged(tuple(sorted(self._changed))) if self._changed else None


class RelayLink:
    """One relay's connection."""

    def __init__(self, server: ContractServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._resolving: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_RESOLVING)
        self._greeted = False
        self.hello: Hello | None = None

    async def run(self) -> None:
        unpacker = Unpacker(_decoder)
        try:
            async with asyncio.timeout(HELLO_TIMEOUT_S) as deadline:
                while data := await self._reader.read(READ_BYTES):
                    for message in unpacker.feed(data):
                        await self._take(message)
                    if self._greeted:
                        deadline.reschedule(None)
        except (ConnectionError, TimeoutError) as error:
            log.info("relay_lost", relay=self._name(), reason=str(error) or type(error).__name__)
        except MessageError as error:
            log.error("relay_sent_garbage", relay=self._name(), reason=error.message)
        finally:
            for task in self._resolving:
                task.cancel()
            if self.hello is not None:
                self._server.metrics.departed(self.hello.incarnation)
                log.info("relay_left", relay=self._name())

    def _name(self) -> int | None:
        return self.hello.relay if self.hello else None

    async def _take(self, message: ToControl | ToRelay) -> None:
        if self.hello is None:
            if not isinstance(message, Hello):
                raise MessageError("the first message must be hello")
            self._greet(message)
            return
        match message:
            case ResolveKey():
                await self._in_the_background(self._resolve(message))
            case KeepObjects() | DropObject() | FindObjects() | ObjectSeen():
                await self._in_the_background(self._ask_objects(message))
            case GetKept() | FindSimilar() | PutKept():
                await self._in_the_background(self._ask_answers(message))
            case Counters():
                self._server.metrics.update(self.hello.incarnation, message.samples)
                self._server.metrics.seen(self.hello.incarnation, self.hello.relay, message.backends)
            case AskHealth():
                self.send(Health(message.id, self._server.health()))
            case LeaseAsk():
                await self._in_the_background(self._lend(message, self.hello.incarnation))
            case AskMoney():
                if self._server.money is not None:
                    self._server.money.ask(self.hello.incarnation, message, self.send)
            case _:
                raise MessageError(f"{type(message).__name__} is not for control")

    def _greet(self, hello: Hello) -> None:
        if hello.contract != CONTRACT_VERSION:
            reason = f"This control speaks contract version {CONTRACT_VERSION}, the relay {hello.contract}."
            log.error("relay_refused", relay=hello.relay, reason=reason)
            self.send(Refused(reason))
            raise ConnectionAbortedError(reason)
        self.hello = hello
        self._greeted = True
        log.info("relay_came", relay=hello.relay, pid=hello.pid)
        if self._server.keeper.packed:
            self.send_packed(self._server.keeper.packed)
        changed = self._server.changed_so_far()
        if changed is not None:
            self.send(changed)
        if self._server.down:
            self.send(ProvidersDown(tuple(sorted(self._server.down))))

    async def _in_the_background(self, work: Coroutine[None, None, None]) -> None:
        """Waits when the relay has too much in question already."""
        await self._slots.acquire()
        task = asyncio.create_task(work)
        self._resolving.add(task)
        task.add_done_callback(self._resolved)

    async def _ask_objects(self, message: ObjectMessage) -> None:
        if self._server.objects is None:
            raise ConnectionAbortedError("this control keeps no objects")
        answer = await self._server.objects.answer(message)
        if answer is not None:
            self.send(answer)

    async def _ask_answers(self, message: CacheMessage) -> None:
        if self._server.answers is None:
            raise ConnectionAbortedError("this control keeps no answers")
        answer = await self._server.answers.answer(message)
        if answer is not None:
            self.send(answer)

    async def _lend(self, ask: LeaseAsk, holder: str) -> None:
        if self._server.lender is None:
            self.send(LeaseAnswer(ask.id, None))
            return
        self.send(await self._server.lender.answer(ask, holder))

    async def _resolve(self, ask: ResolveKey) -> None:
        try:
            grant = await self._grant_of(ask)
        except Unavailable:
            self.send(KeyResolved(ask.id, ask.digest, None, unavailable=True))
        except TurnpikeError as error:
            log.error("key_not_resolved", reason=error.message)
            self.send(KeyResolved(ask.id, ask.digest, None, unavailable=True))
        else:
            self.send(KeyResolved(ask.id, ask.digest, grant))

    async def _grant_of(self, ask: ResolveKey) -> KeyGrant | None:
        if ask.token is None or self._server.callers is None:
            return await self._server.keeper.grants.resolve(ask.digest, remembered=True)
        called = await self._server.callers.resolve(ask.token.decode("latin-1"))
        return called.grant if called is not None else None

    def _resolved(self, task: asyncio.Task[None]) -> None:
        self._resolving.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("key_not_resolved", exc_info=error)
            self.close()  # the relay asks again over its next connection instead of waiting for ever

    def send(self, message: ToRelay) -> None:
        self.send_packed(pack(message))

    def send_packed(self, data: bytes) -> None:
        if self.hello is None and not data:
            return
        if self._writer.is_closing():
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            log.error("relay_reads_nothing", relay=self._name())
            self._writer.transport.abort()

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be closing
            self._writer.close()

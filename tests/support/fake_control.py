"""A stand-in for control on the contract socket: a snapshot, some keys, and changes when a test says so."""

import asyncio
from pathlib import Path

import msgspec

from turnpike.contract.grants import KeyGrant, key_digest
from turnpike.contract.messages import (
    AskCounters,
    AskHealth,
    Counters,
    GrantsChanged,
    Health,
    Hello,
    KeyResolved,
    PushSnapshot,
    ResolveKey,
    ToControl,
    ToRelay,
    Unpacker,
    pack,
)
from turnpike.contract.metrics import Sample
from turnpike.contract.snapshot import Snapshot

PEPPER = b"p" * 32


class FakeControl:
    """Serves relays on a unix socket inside the test's own event loop."""

    def __init__(self, path: Path, snapshot: Snapshot) -> None:
        self.path = path
        self.snapshot = snapshot
        self.grants: dict[bytes, KeyGrant] = {}
        self.asked: list[bytes] = []
        self.hellos: list[Hello] = []
        self.samples: tuple[Sample, ...] = ()
        """Strangers that the relay turned away."""
        self.health = {"database": "ok"}
        self.mute = False
        """Answer no question: the relay has to cope."""
        self.unavailable = False
        """Answer that keys cannot be looked up: the database is away."""
        self.delay_s = 0.0
        """How long a question about a key takes; others are answered meanwhile."""
        self.news = asyncio.Condition()
        """Notified of every message that comes in."""
        self._asks = 0
        self._counted: dict[int, tuple[Sample, ...]] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @staticmethod
    def digest(key: str) -> bytes:
        return key_digest(key.encode(), PEPPER)

    def allow(self, key: str, grant: KeyGrant) -> None:
        self.grants[self.digest(key)] = grant

    def times_asked(self, key: str) -> int:
        return self.asked.count(self.digest(key))

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self) -> None:
        """Goes away; `start` brings it back."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    def push(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._send(PushSnapshot(snapshot))

    def forget(self, *key_ids: str) -> None:
        """Says that grants changed: those keys', or all of them."""
        self._send(GrantsChanged(key_ids or None))

    def revoke(self, *key_ids: str) -> None:
        self.grants = {digest: grant for digest, grant in self.grants.items() if grant.key_id not in key_ids}
        self._send(GrantsChanged(key_ids))

    def tell(self, message: ToRelay) -> None:
        """Whatever else control may say."""
        self._send(message)

    async def settle(self) -> None:
        """Returns once the relay has taken everything that was sent to it so far."""
        await self.counters()

    async def counters(self) -> tuple[Sample, ...]:
        self._asks += 1
        ask = self._asks
        self._send(AskCounters(ask))
        await self.until(lambda: ask in self._counted)
        return self._counted.pop(ask)

    async def until(self, condition, timeout_s: float = 10.0) -> None:
        """Waits until something holds that a message of the relay brings about."""
        async with asyncio.timeout(timeout_s), self.news:
            await self.news.wait_for(condition)

    def _send(self, message: ToRelay) -> None:
        for writer in self._writers:
            writer.write(pack(message))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        unpacker = Unpacker(msgspec.msgpack.Decoder(ToControl))
        try:
            while data := await reader.read(65536):
                async with self.news:
                    for message in unpacker.feed(data):
                        self._take(message, writer)
                    self.news.notify_all()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, message: ToControl, writer: asyncio.StreamWriter) -> None:
        match message:
            case Hello():
                self.hellos.append(message)
                writer.write(pack(PushSnapshot(self.snapshot)))
            case ResolveKey():
                self.asked.append(message.digest)
                if not self.mute:
                    asyncio.get_running_loop().call_later(self.delay_s, self._resolve, message, writer)
            case AskHealth():
                if not self.mute:
                    writer.write(pack(Health(message.id, self.health)))
            case Counters():
                self.samples = message.samples
                if message.ask:
                    self._counted[message.ask] = message.samples
            case _:
                raise AssertionError(message)

    def _resolve(self, question: ResolveKey, writer: asyncio.StreamWriter) -> None:
        grant = None if self.unavailable else self.grants.get(question.digest)
        if not writer.is_closing():
            writer.write(pack(KeyResolved(question.id, question.digest, grant, unavailable=self.unavailable)))

"""A stand-in for control on the contract socket: a snapshot, some keys, and changes when a test says so."""

import asyncio
import os
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
        self.mute = False
        """Answer no question: the relay has to cope."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def allow(self, key: str, grant: KeyGrant) -> None:
        self.grants[key_digest(key.encode(), PEPPER)] = grant

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        self.path.unlink(missing_ok=True)

    def push(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._send(PushSnapshot(snapshot))

    def revoke(self, *key_ids: str) -> None:
        self.grants = {digest: grant for digest, grant in self.grants.items() if grant.key_id not in key_ids}
        self._send(GrantsChanged(key_ids))

    async def counters(self) -> tuple[Sample, ...]:
        self.samples = ()
        self._send(AskCounters(1))
        while not self.samples:
            await asyncio.sleep(0.01)
        return self.samples

    def _send(self, message: ToRelay) -> None:
        for writer in self._writers:
            writer.write(pack(message))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        unpacker = Unpacker(msgspec.msgpack.Decoder(ToControl))
        try:
            while data := await reader.read(65536):
                for message in unpacker.feed(data):
                    match message:
                        case Hello():
                            self.hellos.append(message)
                            writer.write(pack(PushSnapshot(self.snapshot)))
                        case ResolveKey():
                            self.asked.append(message.digest)
                            if not self.mute:
                                grant = self.grants.get(message.digest)
                                writer.write(pack(KeyResolved(message.id, message.digest, grant)))
                        case AskHealth():
                            if not self.mute:
                                writer.write(pack(Health(message.id, {"database": "ok", "pid": str(os.getpid())})))
                        case Counters():
                            self.samples = message.samples
                        case _:
                            raise AssertionError(message)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

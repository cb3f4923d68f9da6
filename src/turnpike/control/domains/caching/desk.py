"""Answers relays that ask for kept answers, and keeps what they bring: sealed, as it holds what people were told.

Bounded in what it does at a time, so that a slow store costs nobody anything but hits.
"""

import asyncio
import time

import msgspec
import structlog

from turnpike.contract.caching import FindSimilar, GetKept, Kept, KeptAnswer, PutKept
from turnpike.control.infra.answers import AnswerStore, Room, Shut, StoreUnreachable, Wanted
from turnpike.control.infra.secrets import CannotOpen, Sealer
from turnpike.control.infra.vectors import Vectors, VectorsUnreachable
from turnpike.errors import TurnpikeError

AT_ONCE = 64
"""Questions and answers in hand; what comes beyond that is answered with nothing, or not kept."""
WITHIN_S = 2.0
WARN_EVERY_S = 60.0
LARGE_BYTES = 64 * 1024
"""What is sealed and opened on a thread."""
NEAR_TRIES = 3
"""The nearest question's answer may be gone: then the next one is looked at."""

CacheMessage = GetKept | FindSimilar | PutKept
log = structlog.get_logger()


class _Sealed(msgspec.Struct, array_like=True):
    """The key is inside as well: an answer cannot be put under another one."""

    key: bytes
    kept: KeptAnswer


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Sealed).decode


class AnswerDesk:
    """`store` None: control keeps nothing."""

    def __init__(self, kind: str, sealer: Sealer, store: AnswerStore | None, vectors: Vectors) -> None:
        self.kind = kind
        """`disk`, `redis` or `off`."""
        self._sealer = sealer
        self._store = store
        self._vectors = vectors
        self._busy = 0
        self._warned_at = -WARN_EVERY_S

    async def answer(self, message: CacheMessage) -> Kept | None:
        """What the relay is told; None when it waits for nothing."""
        nothing = None if isinstance(message, PutKept) else Kept(message.id, None)
        if self._store is None or self._busy >= AT_ONCE:
            return nothing
        self._busy += 1
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._answer(self._store, message)
        except (StoreUnreachable, VectorsUnreachable, TimeoutError) as error:
            self._warn(error)
            return nothing
        finally:
            self._busy -= 1

    async def _answer(self, store: AnswerStore, message: CacheMessage) -> Kept | None:
        match message:
            case GetKept():
                return Kept(message.id, await self._get(store, message.key))
            case FindSimilar():
                return await self._near(store, message)
            case PutKept():
                await self._put(store, message)
                return None

    async def _get(self, store: AnswerStore, key: bytes) -> KeptAnswer | None:
        sealed = await store.get(key)
        if sealed is None:
            return None
        try:
            if len(sealed) > LARGE_BYTES:
                opened = await asyncio.to_thread(self._sealer.open_bytes, sealed)
            else:
                opened = self._sealer.open_bytes(sealed)
            found = _decode(opened)
        except (CannotOpen, msgspec.DecodeError):
            return None  # sealed with a key that is gone, or by another version
        return found.kept if found.key == key else None

    async def _near(self, store: AnswerStore, message: FindSimilar) -> Kept:
        for _ in range(NEAR_TRIES):
            near = await self._vectors.nearest(message.space, message.vector)
            if near is None or near.similarity < message.threshold:
                break
            kept = await self._get(store, near.key)
            if kept is not None:
                return Kept(message.id, kept, near.similarity)
            await self._vectors.drop(near.key)
        return Kept(message.id, None)

    async def _put(self, store: AnswerStore, message: PutKept) -> None:
        key, kept = message.key, message.kept
        raw = _encode(_Sealed(key, kept))
        if len(raw) > LARGE_BYTES:
            sealed = await asyncio.to_thread(self._sealer.seal_bytes, raw)
        else:
            sealed = self._sealer.seal_bytes(raw)
        await store.put(Shut(key, sealed, kept.expires_at_ms, kept.model, kept.key_id, kept.user_id))
        if message.space is not None and message.vector:
            await self._vectors.put(message.space, key, message.vector, kept.expires_at_ms)

    # ---- administration

    async def clear(self, wanted: Wanted) -> int | None:
        """How many answers went; None when the store cannot be reached."""
        if self._store is None:
            return 0
        try:
            gone = await self._store.clear(wanted)
            if wanted == Wanted():
                await self._vectors.clear()
            return gone
        except (StoreUnreachable, VectorsUnreachable) as error:
            self._warn(error)
            return None

    async def room(self) -> Room | None:
        """None when the store cannot be reached, or there is none."""
        if self._store is None:
            return None
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._store.room()
        except (StoreUnreachable, TimeoutError):
            return None

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()
        await self._vectors.close()

    def _warn(self, error: TurnpikeError | TimeoutError) -> None:
        if time.monotonic() - self._warned_at >= WARN_EVERY_S:
            self._warned_at = time.monotonic()
            log.warning("kept_answers_unreachable", store=self.kind, error_type=type(error).__name__)

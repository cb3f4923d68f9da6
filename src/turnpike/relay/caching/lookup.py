"""One call's way to a kept answer: memory, one that is on its way, the shared store, a question that is near. Or to a
miss: then the call goes on, and its answer is kept.

Each step either ends in the call's answer, or goes on with the next one, at once or when it is told.
"""

import asyncio
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from turnpike.contract.caching import CacheMode, CacheRule, KeptAnswer
from turnpike.errors import NotCached, TurnpikeError
from turnpike.relay.caching.asked import Digest, Wants, surroundings
from turnpike.relay.caching.keeping import Keeping
from turnpike.relay.caching.replay import replay
from turnpike.relay.caching.similar import embed
from turnpike.wire.caching import question_of

if TYPE_CHECKING:
    from turnpike.relay.call import Call

_LONGEST_QUESTION = 8_000
"""Characters: what is longer is hardly ever asked twice in other words."""
_EMBED_WITHIN_S = 2.0


class Scope(NamedTuple):
    """What is the same for all calls behind a gate."""

    rule: CacheRule
    start: Digest
    """Has taken rule, tenant, dialect, operation and model."""
    model: str
    """What the caller's word for it means."""


class Lookup:
    """Of one call. `begin` is called once."""

    __slots__ = ("_cache", "_call", "_deadline", "_key", "_rule", "_scope", "_space", "_timer", "_vector", "_wants")

    def __init__(self, call: "Call", scope: Scope, key: bytes, wants: Wants) -> None:
        self._call = call
        self._cache = call.relay.answers
        self._scope = scope
        self._rule = scope.rule
        self._key = key
        self._wants = wants
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._space: bytes | None = None
        self._vector = b""

    def begin(self) -> bool:
        """True: the call goes on. Raises NotCached."""
        if not self._wants.looks:
            return self._miss()
        kept = self._cache.memory.get(self._key, self._call.started_at_ms)
        if kept is not None and self._answers_with(kept, None):
            return False
        if self._rule.wait_s and self._key in self._cache.flights:
            self._deadline = self._call.relay.now() + self._rule.wait_s
            self._join()
            return False
        return self._ask_store()

    # ---- one that is on its way

    def _join(self) -> None:
        self._cache.flights[self._key].append(self._landed)
        wait_s = max(0.0, self._deadline - self._call.relay.now())
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._waited_enough)

    def _waited_enough(self) -> None:
        self._timer = None
        self._step(self._miss)

    def _landed(self) -> None:
        if self._timer is None:
            return  # it did not wait any longer
        self._timer.cancel()
        self._timer = None
        self._step(self._after_landing)

    def _after_landing(self) -> bool:
        kept = self._cache.memory.get(self._key, self._call.started_at_ms)
        if kept is not None and self._answers_with(kept, None):
            return False
        if self._key in self._cache.flights and self._call.relay.now() < self._deadline:
            self._join()
            return False
        return self._miss()

    # ---- the shared store

    def _ask_store(self) -> bool:
        shelf = self._cache.shelf
        if not shelf.is_open:
            return self._miss()
        shelf.get(self._key, self._store_said)
        return False

    def _store_said(self, kept: KeptAnswer | None, _similarity: float) -> None:
        def take() -> bool:
            if kept is not None and not self._cache.is_cleared(kept):
                self._cache.memory.put(self._key, kept)
                if kept.expires_at_ms > self._call.started_at_ms and self._answers_with(kept, None):
                    return False
            return self._ask_near()

        self._step(take)

    # ---- a question that is near

    def _ask_near(self) -> bool:
        rule, call = self._rule, self._call
        if rule.mode != CacheMode.SEMANTIC or rule.embedding_model is None or not self._cache.shelf.is_open:
            return self._miss()
        if call.outlets:
            return self._miss()  # an answer that a guard watches is for this very question
        question = question_of(call.route.call_dialect, call.body, longest=_LONGEST_QUESTION)
        if question is None:
            return self._miss()
        digest = self._scope.start.copy()
        digest.update(b"near\0" + rule.embedding_model.encode() + b"\0" + surroundings(call))
        digest.update(question.context)
        self._space = digest.digest()
        self._timer = asyncio.get_running_loop().call_later(_EMBED_WITHIN_S, self._waited_enough)
        embed(call, rule.embedding_model, question.text, self._embedded)
        return False

    def _embedded(self, vector: bytes | None) -> None:
        if self._timer is None:
            return  # the call has gone on
        self._timer.cancel()
        self._timer = None
        shelf = self._cache.shelf
        if vector is None or self._space is None or not shelf.is_open:
            self._step(self._miss)
            return
        self._vector = vector
        shelf.find_similar(self._space, vector, self._rule.threshold, self._near_said)

    def _near_said(self, kept: KeptAnswer | None, similarity: float) -> None:
        def take() -> bool:
            if kept is not None and similarity >= self._rule.threshold and not self._cache.is_cleared(kept):
                fresh = kept.expires_at_ms > self._call.started_at_ms
                if fresh and self._answers_with(kept, similarity):
                    return False
            return self._miss()

        self._step(take)

    # ---- ends

    def _answers_with(self, kept: KeptAnswer, similarity: float | None) -> bool:
        most_s = self._wants.max_age_s
        if most_s is not None and self._call.started_at_ms - kept.made_at_ms > most_s * 1000:
            return False
        return replay(self._call, kept, similarity)

    def _miss(self) -> bool:
        """Raises NotCached."""
        call, cache = self._call, self._cache
        cache.counts["miss"] += 1
        call.extra_headers += b"x-turnpike-cache: miss\r\n"
        if self._wants.only:
            raise NotCached(
                "There is no answer to this in the gateway's cache that is as fresh as asked for, and the request's"
                " Cache-Control says 'only-if-cached'.",
                details={"cache": "only-if-cached"},
            )
        if self._wants.keeps:
            self._keep()
        return True

    def _keep(self) -> None:
        call = self._call
        leads = self._rule.wait_s > 0 and self._key not in self._cache.flights
        if leads:
            self._cache.flights[self._key] = []
        keeping = Keeping(self._cache, self._rule, self._key, self._scope.model, call.outlets, leads=leads)
        if self._space is not None and self._vector:
            keeping.place(self._space, self._vector)
        call.outlets = (*call.outlets, keeping)
        call.holds = (*call.holds, keeping)

    def _step(self, step: Callable[[], bool]) -> None:
        """Goes on with a call that waited, unless its caller has left."""
        call = self._call
        if call.ended:
            return
        try:
            goes_on = step()
        except TurnpikeError as error:
            call.refuse(error)
            return
        except Exception as error:  # noqa: BLE001 - the last line of defence: nobody else would answer the caller
            call.fault(error)
            return
        if goes_on:
            call.go_on()


def space_start(*parts: str) -> Digest:
    """A digest that has taken texts, so that no two lists of them are the same to it."""
    digest = blake2b(digest_size=32, person=b"turnpike.cache")
    for part in parts:
        raw = part.encode()
        digest.update(b"%d:%b" % (len(raw), raw))
    return digest

"""What the calls of a relay share of the cache: the rules in force, answers in memory, what is on its way."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from turnpike.contract.caching import CacheMode, CacheRule, Caching, KeptAnswer, PutKept
from turnpike.contract.metrics import Sample
from turnpike.relay.caching.memory import Memory
from turnpike.relay.caching.shelf import Shelf

if TYPE_CHECKING:
    from turnpike.contract.events import Caller

Matches = Callable[[str, str], bool]


class AnswerCache:
    """One for a relay."""

    def __init__(self, limit_bytes: int, wait_s: float, now: Callable[[], float]) -> None:
        self.memory = Memory(limit_bytes)
        self.shelf = Shelf(wait_s, now)
        self.caching = Caching()
        self.flights: dict[bytes, list[Callable[[], None]]] = {}
        """Questions that are being answered, and who waits for them."""
        self.counts: Counter[str] = Counter()
        """Calls by what became of them: hit, semantic, miss, bypass."""
        self.saved_nanousd = 0

    def apply(self, caching: Caching) -> None:
        """Puts the snapshot's rules in force. Answers of rules that changed are not found any more, since a rule's
        revision is part of every key."""
        known = frozenset(self.caching.clears)
        self.caching = caching
        self.shelf.stored = caching.store
        fresh = [each for each in caching.clears if each not in known]
        if fresh:
            self.memory.drop_where(lambda kept: any(each.covers(kept) for each in fresh))

    def rule_for(self, caller: "Caller", names: Iterable[str], matches: Matches) -> CacheRule | None:
        """The most exact rule for a caller and a model by any of its names; None where nothing is to be cached."""
        names = tuple(names)
        able = [
            rule
            for rule in self.caching.rules
            if rule.key_id in (None, caller.key_id)
            and (rule.department_id is None or rule.department_id == caller.department_id)
            and any(matches(rule.model, name) for name in names)
        ]
        if not able:
            return None
        rule = max(able, key=_exactness)
        return None if rule.mode == CacheMode.OFF else rule

    def is_cleared(self, kept: KeptAnswer) -> bool:
        return any(each.covers(kept) for each in self.caching.clears)

    def keep(self, key: bytes, kept: KeptAnswer, space: bytes | None, vector: bytes) -> None:
        if self.is_cleared(kept):
            return
        self.memory.put(key, kept)
        self.shelf.put(PutKept(key, kept, space, vector))

    def samples(self) -> Iterator[Sample]:
        for result, count in self.counts.items():
            yield Sample("turnpike_cache_requests_total", (result,), count)
        if self.counts:
            yield Sample("turnpike_cache_saved_nanousd_total", (), self.saved_nanousd)
            yield Sample("turnpike_cache_late_total", (), self.shelf.late)
            yield Sample("turnpike_cache_entries", (), len(self.memory))
            yield Sample("turnpike_cache_bytes", (), self.memory.size_bytes)


def _exactness(rule: CacheRule) -> tuple[bool, bool, bool, int, str]:
    return (
        rule.key_id is not None,
        rule.department_id is not None,
        "*" not in rule.model,
        len(rule.model),
        rule.id,
    )

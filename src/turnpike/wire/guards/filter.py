"""A text on its way through rules, whole or in pieces.

What goes on lags at most 256 bytes behind what came. Every place is decided once, when everything that a match
beginning there may need has come, so the outcome does not depend on where the text was cut.
"""

from collections import Counter
from operator import attrgetter

from turnpike.wire.guards.engine import HOLD_BYTES, STEP_BYTES, Detector, Found
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Groups, Rule, Rules, Source

_PLACE = attrgetter("place")
_CONTEXT_BYTES = 8
"""Kept of what went on: what stands before a match decides whether it is one."""

Finds = Counter[tuple[Source, str]]
"""How often each guard found each kind."""


class Blocked(Exception):
    """A guard refuses the text."""

    def __init__(self, source: Source, kind: str) -> None:
        super().__init__()
        self.source = source
        self.kind = kind
        self.before = ""
        """What may still go on."""


class Span(tuple[Source, str, int, int]):
    """For tests of policies: source, kind, start and end in bytes of the text."""

    __slots__ = ()


class Filter:
    """One text. `finds` and `vault` are shared by all texts of a call."""

    __slots__ = (
        "_base",
        "_buffer",
        "_eats",
        "_finds",
        "_flagged",
        "_fresh",
        "_least",
        "_needed",
        "_pieces",
        "_place",
        "_rules",
        "_spans",
        "_vault",
        "_waiting",
    )

    def __init__(self, rules: Rules, finds: Finds, vault: Vault, spans: list[Span] | None = None) -> None:
        self._rules = rules
        self._finds = finds
        self._vault = vault
        self._spans = spans
        self._buffer = b""
        self._pieces: list[str] = []
        self._waiting = 0
        """What has come and is not in the buffer yet, and its bytes."""
        self._least = STEP_BYTES + HOLD_BYTES + 2
        """So many bytes must come before it is worth a look."""
        self._place = 0
        """How far the buffer is decided."""
        self._base = 0
        """Of the text's bytes, those that are no longer in the buffer."""
        self._flagged = [0] * len(rules.flaggers)
        """How far each flagging guard is, in the text."""
        self._needed: dict[object, object] = {}
        """What quick looks at the buffer said: many detectors share one."""
        self._fresh = False
        """A replacement stands right before the place."""
        self._eats: frozenset[int] = frozenset()
        """What still belongs to the match before it, as long as it goes on."""

    def feed(self, text: str, *, final: bool = False) -> str:
        """What goes on now. Raises Blocked, and TooHard when the text cannot be checked."""
        self._pieces.append(text)
        self._waiting += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if not final and self._waiting < self._least:
            return ""
        buffer = self._buffer = self._buffer + "".join(self._pieces).encode("utf-8", "surrogatepass")
        self._pieces.clear()
        self._waiting = 0
        limit = len(buffer)
        if not final:
            limit = max(self._place, limit - HOLD_BYTES - 2)
            while limit > self._place and buffer[limit] & 0xC0 == 0x80:
                limit -= 1
        if limit <= self._place or (not final and limit - self._place < STEP_BYTES):
            self._least = 1
            return ""
        self._needed.clear()
        blocked = self._first_block(limit)
        if blocked is not None:
            rule, found = blocked
            self._note(rule, found.low, found.high)
            error = Blocked(rule.source, rule.detector.kind)
            self._flag(found.start)
            error.before = self._change(found.start)
            raise error
        self._flag(limit)
        out = self._change(limit)
        keep = max(0, self._place - _CONTEXT_BYTES)
        self._buffer = self._buffer[keep:]
        self._place -= keep
        self._base += keep
        self._least = STEP_BYTES + HOLD_BYTES + 2 - (len(self._buffer) - self._place)
        return out

    # ---- finding

    def _first_block(self, limit: int) -> tuple[Rule, Found] | None:
        best: tuple[Rule, Found] | None = None
        for rule in self._worth_it(self._rules.block_groups):
            found = self._next(rule.detector, self._place, limit)
            if found is not None and (best is None or found.start < best[1].start):
                best = (rule, found)
        return best

    def _worth_it(self, groups: Groups) -> list[Rule]:
        """Those of which the buffer can hold something at all."""
        buffer = self._buffer
        found = [rule for needs, rules in groups if needs is None or needs(buffer) for rule in rules]
        found.sort(key=_PLACE)
        return found

    def _may_hold(self, detector: Detector) -> bool:
        needs = detector.needs
        if needs is None:
            return True
        if needs not in self._needed:
            self._needed[needs] = needs(self._buffer)
        return bool(self._needed[needs])

    def _next(self, detector: Detector, place: int, limit: int) -> Found | None:
        """The next one before the limit that no guard allows."""
        buffer = self._buffer
        while place < limit:
            found = detector.next(buffer, place)
            if found is None or found.start >= limit:
                return None
            if not self._rules.allowed or not self._rules.allows(buffer[found.low : found.high]):
                return found
            place = found.start + 1
        return None

    def _flag(self, limit: int) -> None:
        for number, rule in enumerate(self._rules.flaggers):
            if not self._may_hold(rule.detector):
                continue
            place = max(self._place, self._flagged[number] - self._base)
            while (found := self._next(rule.detector, place, limit)) is not None:
                self._note(rule, found.low, found.high)
                place = found.high
            self._flagged[number] = self._base + max(place, self._flagged[number] - self._base)

    def _note(self, rule: Rule, low: int, high: int) -> None:
        self._finds[rule.source, rule.detector.kind] += 1
        if self._spans is not None:
            self._spans.append(Span((rule.source, rule.detector.kind, self._base + low, self._base + high)))

    # ---- changing

    def _change(self, limit: int) -> str:
        out: list[bytes] = []
        nexts: list[tuple[Rule, Found]] = []
        changers = self._worth_it(self._rules.change_groups)
        for rule in changers:
            found = self._next(rule.detector, self._place, limit)
            if found is not None:
                nexts.append((rule, found))
        self._eat(limit)
        while self._place < limit:
            nexts = self._renewed(nexts, limit)
            here = self._right_here(changers) if self._fresh else []
            self._fresh = False
            if not nexts and not here:
                break
            rule, found = min(here + nexts, key=lambda each: (each[1].start, -each[1].high))
            out += (self._buffer[self._place : found.low], self._replacement(rule, found))
            self._place = found.high
            self._eats = rule.detector.goes_on
            self._fresh = True
            self._eat(limit)
        if self._place < limit:
            out.append(self._buffer[self._place : limit])
            self._place = limit
        return b"".join(out).decode("utf-8", "surrogatepass")

    def _renewed(self, nexts: list[tuple[Rule, Found]], limit: int) -> list[tuple[Rule, Found]]:
        """Those that are still ahead, or the next of their kind."""
        renewed: list[tuple[Rule, Found]] = []
        for rule, found in nexts:
            ahead = found if found.start >= self._place else self._next(rule.detector, self._place, limit)
            if ahead is not None:
                renewed.append((rule, ahead))
        return renewed

    def _right_here(self, changers: list[Rule]) -> list[tuple[Rule, Found]]:
        """What was no match behind the text that is replaced now, and is one behind its replacement."""
        found: list[tuple[Rule, Found]] = []
        for rule in changers:
            one = rule.detector.at(self._buffer, self._place)
            if one is not None and not self._rules.allows(self._buffer[one.low : one.high]):
                found.append((rule, one))
        return found

    def _eat(self, limit: int) -> None:
        eats = self._eats
        if not eats:
            return
        place, size = self._place, max(limit, self._place)
        while place < size and self._buffer[place] in eats:
            place += 1
        self._place = place
        if place < size:
            self._eats = frozenset()

    def _replacement(self, rule: Rule, found: Found) -> bytes:
        self._note(rule, found.low, found.high)
        kind = rule.detector.kind
        if rule.source.action == "restore":
            high = rule.detector.end_of(self._buffer, found)
            value = self._buffer[found.low : high].decode("utf-8", "surrogatepass")
            return self._vault.keep(kind, value).encode()
        return rule.replacement if rule.replacement is not None else f"[{kind.upper()}]".encode()


def whole(rules: Rules, text: str, finds: Finds, vault: Vault, spans: list[Span] | None = None) -> str:
    """A text that is all there. Raises Blocked and TooHard."""
    return Filter(rules, finds, vault, spans).feed(text, final=True)

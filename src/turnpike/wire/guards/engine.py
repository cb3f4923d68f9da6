"""Patterns on google-re2: time linear in the text, whatever the pattern and whoever wrote it.

Everything works on UTF-8 bytes and finds matches position by position: whether one begins at a place depends on the
byte before it and on at most `HOLD_BYTES` behind it, and on nothing else. So a text gives the same finds whole or in
pieces, however it is cut.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import re2 as _re2  # pyright: ignore[reportMissingTypeStubs] - it has none

from turnpike.errors import InvalidRequest

re2: Any = _re2
HOLD_BYTES = 192
"""How much of a text must have come behind a place before it is decided."""
STEP_BYTES = 62
"""A streamed text is looked at in steps of so many bytes: with the above, 256 bytes of it at most are held back."""
MATCH_BYTES = 190
"""The longest match; the rest of the hold-back is what may follow one and says whether it is one."""
_PROGRAM_BYTES = 8 * 1024 * 1024
_WINDOW_BYTES = 2048
_TRIES = 5_000
"""Candidates that are rejected one after the other before a text counts as too hard to check: a pattern without bounds
on a text made for it would take for ever."""


class Found(NamedTuple):
    start: int
    """Of the whole match."""
    low: int
    high: int
    """Of what is meant in it: a number without the word before it, say."""
    cut: bool = False
    """It may go on: what follows and is in the detector's `goes_on` belongs to it."""


class TooHard(Exception):
    """The text cannot be checked with bounded work."""


Check = Callable[[bytes], int]
"""How many bytes of a candidate are really what it looks like; 0: none."""


def compile_pattern(pattern: str, where: str = "pattern") -> Any:
    """Raises InvalidRequest, saying what RE2 does not take."""
    options = re2.Options()
    options.max_mem = _PROGRAM_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        said = error.args[0] if error.args else "?"
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise InvalidRequest(
            f"{where}: {pattern[:100]!r} is no regular expression in RE2's syntax: {reason[:200]}"
            " (there are no look-arounds and no back-references in it).",
            details={"param": where},
        ) from error


class Detector:
    """Finds one kind of thing."""

    __slots__ = ("_after", "_before", "_check", "_group", "_match", "_search", "goes_on", "kind", "needs")

    def __init__(
        self,
        kind: str,
        pattern: str,
        check: Check | None = None,
        *,
        group: int = 0,
        needs: Callable[[bytes], Any] | None = None,
        before: bytes = b"",
        after: bytes = b"",
        goes_on: bytes = b"",
    ) -> None:
        """`needs`: a quick look whether a text can hold one at all. `before` and `after`: bytes that may not stand
        there. `goes_on`: bytes that belong to a match wherever they follow it. Raises InvalidRequest for a pattern
        that is none."""
        self.kind = kind
        self.needs = needs
        compiled = compile_pattern(pattern)
        self._search = compiled.search
        self._match = compiled.match
        self._check = check
        self._group = group
        self._before = frozenset(before)
        self._after = frozenset(after)
        self.goes_on = frozenset(goes_on)

    def next(self, text: bytes, place: int) -> Found | None:
        """The first one that begins at `place` or behind it. Raises TooHard."""
        size = len(text)
        tries = 0
        while place <= size:
            end = min(size, place + _WINDOW_BYTES)
            match = self._search(text, place, end)
            if match is None:
                if end == size:
                    return None
                place = end - HOLD_BYTES
                continue
            start, stop = match.span()
            if end < size and start > end - HOLD_BYTES:
                place = start  # what follows it is not all in view
                continue
            if stop - start > MATCH_BYTES:
                match = self._match(text, start, start + MATCH_BYTES)
            found = None if match is None else self._judge(text, match, start)
            if found is not None:
                return found
            place = start + 1
            tries += 1
            if tries > _TRIES:
                raise TooHard
        return None

    def at(self, text: bytes, place: int) -> Found | None:
        """One that begins right there, where what stands before it is a replacement and not the text's own."""
        match = self._match(text, place, min(len(text), place + MATCH_BYTES)) if self._before else None
        return None if match is None else self._judge(text, match, place, fresh=True)

    def _judge(self, text: bytes, match: Any, start: int, *, fresh: bool = False) -> Found | None:
        low, high = match.span(self._group)
        if high <= low:
            return None
        if self._before and low and not fresh and text[low - 1] in self._before:
            return None
        if self._check is not None:
            size = self._check(text[low:high])
            if not size:
                return None
            high = low + size
        if self._after and high < len(text) and text[high] in self._after:
            return None
        if self._after and text[high : high + 1] == b"." and text[high + 1 : high + 2].isdigit():
            return None
        return Found(start, low, high, bool(self.goes_on))

    def finds(self, text: bytes) -> list[Found]:
        """All of a whole text, none within another."""
        found: list[Found] = []
        place = 0
        while (one := self.next(text, place)) is not None:
            found.append(one)
            place = self.end_of(text, one)
        return found

    def end_of(self, text: bytes, found: Found) -> int:
        """Where it really ends, as far as the text goes."""
        high = found.high
        if found.cut:
            while high < len(text) and text[high] in self.goes_on:
                high += 1
        return high

    def is_whole(self, text: bytes) -> bool:
        """Whether the text is one from its first byte to its last."""
        found = self.next(text, 0)
        return found is not None and found.low == 0 and self.end_of(text, found) == len(text)

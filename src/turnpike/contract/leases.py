"""Slices of shared limits: how a relay asks control for them, and gives back what it does not need.

One message holds the asks of many counters. A slice of a window may be used until its window ends, less the time that
the answer took; seats are held for `SEATS_TTL_MS`, and asked for again before that is over.
"""

import msgspec

SEATS_TTL_MS = 6_000
"""The seats of a relay that is silent for so long are free."""


class SliceAsk(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Of one counter."""

    number: int
    """The relay's own, to know the answer by."""
    scope: str
    """turnpike.contract.limits.scope_of"""
    resource: str
    length_ms: int
    """0: seats, not a window."""
    limit: int
    wanted: int
    """Of a window: how much more. Of seats: how many in all."""
    least: int = 1
    """What a call waits for: lent if there is so much, however many relays there are."""
    back: int = 0
    """What is not needed of the window that began at `start_ms`; counted before anything is lent."""
    start_ms: int = 0


class LeaseAsk(msgspec.Struct, frozen=True, tag="lease_ask", gc=False):
    id: int
    asks: tuple[SliceAsk, ...]


class SliceAnswer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    number: int
    granted: int
    used: int
    """Of the window or the seats, by everybody, this slice included."""
    start_ms: int
    usable_for_ms: int
    """From the answer on."""


class LeaseAnswer(msgspec.Struct, frozen=True, tag="lease_answer", gc=False):
    """`slices` is None when the truth cannot be reached."""

    id: int
    slices: tuple[SliceAnswer, ...] | None


class LimitsReset(msgspec.Struct, frozen=True, tag="limits_reset", gc=False):
    """An administrator's: what is held of these counters (scope, resource, length in ms) is forgotten."""

    counters: tuple[tuple[str, str, int], ...]

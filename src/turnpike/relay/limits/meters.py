"""What a relay holds of shared limits: slices of windows, and seats. Plain arithmetic; who asks for more is the desk.

A gate's common path looks at three fields alone: `left`, `low` and `until`. A slice is not used after `until`, which is
one round trip before its window ends.
"""

from typing import TYPE_CHECKING

from turnpike.contract.leases import SEATS_TTL_MS, SliceAnswer, SliceAsk
from turnpike.contract.limits import LimitRule

if TYPE_CHECKING:
    from turnpike.relay.limits.waits import Wait

_AHEAD_S = 0.5
"""For how long a slice should last at the rate of now."""
_FIRST_PART = 200
"""A first slice is one part in so many of the limit."""
_PREFETCHED_FROM = 4
"""Smaller slices are not renewed ahead: the last ones of a limit are asked for singly."""
_ASK_AGAIN_S = 0.25
"""How long nobody asks for more of what is used up: it may be reset, raised, or given back by another relay."""
_SEAT_PARTS = 8
_RESTING_SEAT_PARTS = 64
_RESTS_AFTER_S = 2.0
"""So long after the last call a free seat or two of a large limit are kept, so that the next one need not ask."""
_SEAT_PATIENCE_S = 0.5
"""A seat that another relay is about to give up is worth waiting for."""
PENDING_PATIENCE_S = 3.0
"""So is what calls under way have reserved beyond what they will have used."""
SEATS_TTL_S = SEATS_TTL_MS / 1000


class Meter:
    """A window's slice. `scope`: the counter's name (turnpike.contract.limits.scope_of)."""

    __slots__ = (
        "asked", "back", "base", "count", "dry_until", "ends", "granted_at", "idle", "left", "low",
        "number", "pending", "rule", "scope", "start_ms", "until", "used", "waits", "wanted",
    )  # fmt: skip
    is_seats = False

    def __init__(self, number: int, scope: str, rule: LimitRule) -> None:
        self.number = number
        self.scope = scope
        self.rule = rule
        self.left = 0
        """Below nought: more was used than was lent; the next slice pays for it."""
        self.low = 0
        """With less than this left, more is asked for."""
        self.until = 0.0
        """Monotonic seconds."""
        self.used = 0
        """Of the window, by all, when it was last told."""
        self.ends = 0.0
        """When the window ends, at the latest."""
        self.start_ms = 0
        self.count = 0
        """Rises when it begins anew: what was taken before does not come back."""
        self.wanted = 0
        """The last prefetch."""
        self.base = 0
        """What was left when the last slice came, and when that was: the rate follows."""
        self.granted_at = 0.0
        self.asked = False
        """Control has a question about this one."""
        self.dry_until = 0.0
        """Until then it is taken for used up."""
        self.back = 0
        self.pending = 0
        """Of this window, reserved by calls under way: what they do not use comes back."""
        self.idle = -1
        """What was left at the last sweep."""
        self.waits: list[Wait] | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        return self.scope, self.rule.resource, self.rule.length_ms

    def has(self, amount: int, now: float) -> bool:
        return self.left >= amount and now < self.until

    @property
    def patience_s(self) -> float:
        """How long a call waits where there is nothing more."""
        return PENDING_PATIENCE_S if self.pending > 0 else 0.0

    def is_dry(self, now: float) -> bool:
        return now < self.dry_until

    def remaining(self, now: float) -> int:
        """Of the window, as far as this relay knows."""
        if now >= self.ends:
            return self.rule.limit
        return max(0, self.rule.limit - self.used + self.left)

    def resets_in_s(self, now: float) -> float:
        return max(0.0, self.ends - now)

    # ---- asking

    def ask(self, needed: int, now: float) -> SliceAsk:
        """`needed`: what calls wait for, beyond what is left."""
        limit = self.rule.limit
        running = now < self.until
        elapsed = now - self.granted_at
        ahead = max(1, limit // _FIRST_PART)
        if self.granted_at and elapsed < 2 * self.rule.window_s:
            rate = (self.base - self.left if running else self.base) / max(elapsed, 0.001)
            ahead = max(ahead, min(int(rate * _AHEAD_S), 2 * self.wanted + 1))
        short = max(0, needed - self.left) if running else needed
        owed = -self.left if running and self.left < 0 else 0
        least = min(limit, max(short, owed, 1))
        self.wanted = min(limit, max(least, ahead))
        self.asked = True
        self.low = 0
        return SliceAsk(self.number, *self.key, limit, self.wanted, least)

    def give_back(self) -> SliceAsk:
        """What is left, none of which is to be used any more."""
        back, self.left, self.low = max(0, self.left), min(0, self.left), 0
        self.asked = True
        self.wanted = 0
        return SliceAsk(self.number, *self.key, self.rule.limit, 0, 0, back, self.start_ms)

    def answered(self, ask: SliceAsk, answer: SliceAnswer, sent_at: float, now: float) -> None:
        self.asked = False
        usable_s = answer.usable_for_ms / 1000
        if answer.start_ms != self.start_ms or now >= self.until:
            self.left = 0
            if answer.start_ms != self.start_ms:
                self.count += 1
                self.pending = 0
            self.start_ms = answer.start_ms
        self.left += answer.granted
        self.until = sent_at + usable_s
        self.ends = now + usable_s
        self.used = answer.used
        self.base = self.left
        self.granted_at = now
        self.idle = -1
        if ask.wanted and answer.granted < ask.least:
            self.dry_until = now + min(_ASK_AGAIN_S, usable_s)
        self.low = answer.granted // 2 if answer.granted >= _PREFETCHED_FROM else 0

    def unanswered(self) -> None:
        self.asked = False
        self.low = 0

    def forget(self) -> None:
        """An administrator has reset the counter. What comes back of before is of no window."""
        self.count += 1
        self.left = self.low = self.used = self.pending = 0
        self.until = self.ends = self.dry_until = self.granted_at = 0.0


class Seats(Meter):
    """Seats: `left` of `granted` are free, the others taken by calls of this relay."""

    __slots__ = ("granted", "least", "peak", "seen_at")
    is_seats = True

    def __init__(self, number: int, scope: str, rule: LimitRule) -> None:
        super().__init__(number, scope, rule)
        self.granted = 0
        self.least = 0
        """The fewest that were free since the last sweep, as calls that end have seen it."""
        self.peak = 0
        """The most that were taken at a time, of late."""
        self.seen_at = 0.0
        """When a call had one, by the last sweep that knew of any."""

    @property
    def taken(self) -> int:
        return self.granted - self.left

    def remaining(self, now: float) -> int:
        return max(0, self.rule.limit - self.used + self.left) if now < self.until else self.rule.limit

    def resets_in_s(self, now: float) -> float:
        """Whenever a call ends: nobody knows."""
        return 1.0

    @property
    def patience_s(self) -> float:
        return _SEAT_PATIENCE_S

    def spare(self, now: float) -> int:
        """Seats worth keeping free here, so that not every call has to ask."""
        peak = max(self.peak, self.taken)
        if peak:
            return min(peak - self.taken + peak // 2 + 1, self.rule.limit // _SEAT_PARTS)
        return min(1, self.rule.limit // _RESTING_SEAT_PARTS) if now - self.seen_at < _RESTS_AFTER_S else 0

    def look(self, now: float) -> bool:
        """At every sweep. Whether control is to be told of it: it must be renewed, or has seats to give back."""
        most = self.granted - min(self.least, self.left)
        self.least = self.left
        if most:
            self.seen_at = now
        self.peak = max(most, self.peak - self.peak // 8 - 1)
        rested, self.idle = self.left == self.idle, self.left
        return not self.asked and (self.needs_renewal(now) or (rested and self.left > self.spare(now)))

    def ask(self, needed: int, now: float) -> SliceAsk:
        taken = self.taken
        self.asked = True
        wanted = taken + needed
        wanted = min(max(wanted, self.rule.limit), wanted + self.spare(now))
        return SliceAsk(self.number, *self.key, self.rule.limit, wanted, taken + needed)

    def give_back(self) -> SliceAsk:
        self.asked = True
        taken = self.taken
        self.granted, self.left, self.least = taken, 0, 0
        return SliceAsk(self.number, *self.key, self.rule.limit, taken, 0)

    def answered(self, ask: SliceAsk, answer: SliceAnswer, sent_at: float, now: float) -> None:
        self.asked = False
        more = answer.granted - self.granted
        self.left += more
        self.least += more
        self.granted = answer.granted
        self.until = sent_at + answer.usable_for_ms / 1000
        self.used = answer.used
        self.dry_until = now + _ASK_AGAIN_S if answer.granted < ask.least else 0.0

    def unanswered(self) -> None:
        self.asked = False

    def needs_renewal(self, now: float) -> bool:
        return (self.granted > 0 or self.taken > 0) and now > self.until - SEATS_TTL_S * 2 / 3

    def forget(self) -> None:
        self.dry_until = 0.0

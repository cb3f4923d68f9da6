"""Where a relay's meters are: found once for a gate, filled over the link to control, given back when not needed.

All asks of one turn of the loop go in one message. While control, or the truth behind it, does not answer, slices are
used to their end; then calls wait a little, and are refused (or go on, where a rule says so).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnpike.contract.leases import LeaseAnswer, LeaseAsk, LimitsReset, SliceAsk
from turnpike.contract.limits import LimitRule, Resource, scope_of
from turnpike.contract.metrics import Sample
from turnpike.errors import TurnpikeError
from turnpike.kit.grips import Grip, Grips
from turnpike.kit.networks import counted_address
from turnpike.relay.limits import words
from turnpike.relay.limits.meters import Meter, Seats
from turnpike.relay.limits.rules import RuleBook
from turnpike.relay.limits.waits import AT_MOST_S, Keeper, Wait

if TYPE_CHECKING:
    from turnpike.contract.messages import ToControl
    from turnpike.contract.snapshot import Snapshot
    from turnpike.relay.gates import Governed
    from turnpike.relay.limits.waits import Needs

_ASK_AGAIN_S = 0.25
_ADDRESSES_AT_MOST = 20_000
_TIDY_EVERY_S = 1.0
_FORGOTTEN_AFTER_S = 30.0
_LENT_AT_MOST = 4_000
"""With more slices than that in hand, what rests for a second is given back."""
_STAKE = 20
"""What one relay holds idle is given back when it is one part in so many of what is left of the window, or more."""


class Desk:
    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.book = RuleBook()
        self.tell: Callable[[ToControl], bool] = lambda _: False
        """Sends to control; False: the line is down. Set with the link."""
        self.waits: list[Wait] = []
        self.away_since: float | None = None
        """Since when nothing can be counted."""
        self.refusals = 0
        self.uncounted = 0
        self._meters: dict[tuple[str, str, int], Meter] = {}
        self._grips: Grips[tuple[str, str, int]] = Grips()
        self._numbers = 0
        self._next_id = 0
        self._wanted: dict[int, Meter] = {}
        self._sent: dict[int, tuple[float, list[tuple[Meter, SliceAsk]]]] = {}
        self._lent: set[Meter] = set()
        self._seats: set[Seats] = set()
        self._addresses: OrderedDict[tuple[str, str], tuple[Meter, Grip]] = OrderedDict()
        self._scheduled = False
        self._tidied_at = 0.0
        self._ask_at = 0.0

    # ---- finding

    def follow(self, snapshot: "Snapshot") -> None:
        self.book = RuleBook(snapshot.limits)

    def meter(self, rule: LimitRule, instance: str) -> Meter:
        """It is the only one as long as somebody has a `grip` on it, or something of it is lent or under way."""
        scope = scope_of(rule, instance)
        key = scope, rule.resource, rule.length_ms
        meter = self._meters.get(key)
        if meter is None:
            self._numbers += 1
            made = Seats if rule.resource == Resource.CONCURRENCY else Meter
            meter = self._meters[key] = made(self._numbers, scope, rule)
            self._grips.watch(key)
        if meter.rule.limit != rule.limit:
            meter.dry_until = 0.0  # what there was none of under the old limit
        meter.rule = rule
        return meter

    def grip(self, meter: Meter) -> Grip:
        """As long as it lives, this is the meter."""
        self._meters.setdefault(meter.key, meter)
        return self._grips.on(meter.key)

    def address_meter(self, rule: LimitRule, address: str) -> Meter:
        """Of one caller's address. The least used of many are forgotten."""
        key = rule.id, address
        known = self._addresses.get(key)
        if known is None:
            meter = self.meter(rule, counted_address(address))
            self._addresses[key] = meter, self.grip(meter)
            if len(self._addresses) > _ADDRESSES_AT_MOST:
                self._addresses.popitem(last=False)
        else:
            self._addresses.move_to_end(key)
            meter, _ = known
            meter.rule = rule
        return meter

    # ---- strangers

    def check_stranger(self, address: str) -> TurnpikeError | None:
        """What a caller whose key is not known yet is refused with before control is asked."""
        now = self.now()
        for rule in self.book.of_address(address):
            if rule.resource != Resource.REQUESTS:
                continue
            meter = self.address_meter(rule, address)
            if meter.left <= 0 and meter.used >= rule.limit and now < meter.ends:
                if not meter.is_dry(now):
                    self.want(meter)  # it may have been reset meanwhile
                return words.refused(meter, now)
        return None

    def count_stranger(self, address: str) -> None:
        """A request with a bad key, or without one, counts too: whoever guesses keys is slowed down."""
        for rule in self.book.of_address(address):
            if rule.resource == Resource.REQUESTS:
                meter = self.address_meter(rule, address)
                if self.now() >= meter.until:
                    meter.left = 0
                meter.left -= 1
                self.want(meter)

    # ---- taking

    def hold(self, call: "Governed", needs: "Needs", keeper: Keeper) -> bool:
        """For what is not there at once. As Gate.enter."""
        return Wait(self, call, needs, keeper).begin()

    def freed(self, meter: Meter) -> None:
        """A seat of this relay is free again, and calls wait for one."""
        asyncio.get_running_loop().call_soon(lambda: self._look(meter, self.now()))

    def want(self, meter: Meter) -> None:
        """More of this one, in the background."""
        if meter.asked or meter.number in self._wanted:
            return
        meter.low = 0
        self._wanted[meter.number] = meter
        self._schedule()

    def is_lost(self, now: float) -> bool:
        """Nothing could be counted for so long that waiting is of no use."""
        return self.away_since is not None and now - self.away_since >= AT_MOST_S

    # ---- asking

    def _schedule(self) -> None:
        if not self._scheduled and self._wanted and self.now() >= self._ask_at:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        now = self.now()
        meters = list(self._wanted.values())
        self._wanted.clear()
        asks = [(meter, meter.ask(_needed(meter), now)) for meter in meters if not meter.asked]
        self._send(asks, now)

    def _send(self, asks: list[tuple[Meter, SliceAsk]], now: float) -> None:
        if not asks:
            return
        self._next_id += 1
        if self.tell(LeaseAsk(self._next_id, tuple(ask for _, ask in asks))):
            self._sent[self._next_id] = (now, asks)
        else:
            self._away([meter for meter, _ in asks], now)

    def _away(self, meters: list[Meter], now: float) -> None:
        """These cannot be had now."""
        if self.away_since is None:
            self.away_since = now
        self._ask_at = now + _ASK_AGAIN_S
        for meter in meters:
            meter.unanswered()
            self._look(meter, now)

    def lost(self) -> None:
        """The line to control broke."""
        sent, self._sent = self._sent, {}
        now = self.now()
        self._away([meter for _, asks in sent.values() for meter, _ in asks], now)

    def answered(self, answer: LeaseAnswer) -> None:
        sent = self._sent.pop(answer.id, None)
        if sent is None:
            return
        now = self.now()
        sent_at, asks = sent
        if answer.slices is None:
            self._away([meter for meter, _ in asks], now)
            return
        self.away_since = None
        for (meter, ask), each in zip(asks, answer.slices, strict=True):
            meter.answered(ask, each, sent_at, now)
            if isinstance(meter, Seats):
                (self._seats.add if meter.granted or meter.taken else self._seats.discard)(meter)
            elif meter.left:
                self._lent.add(meter)
        for meter, _ in asks:
            self._look(meter, now)
        self._schedule()

    def _look(self, meter: Meter, now: float) -> None:
        waits, meter.waits = meter.waits, None
        for wait in waits or ():
            wait.look(now)

    def reset(self, message: LimitsReset) -> None:
        for scope, resource, length_ms in message.counters:
            meter = self._meters.get((scope, resource, length_ms))
            if meter is not None:
                meter.forget()

    # ---- time passes

    def sweep(self, now: float) -> None:
        """Ten times a second."""
        for number, (sent_at, asks) in list(self._sent.items()):
            if now - sent_at > AT_MOST_S:
                del self._sent[number]
                self._away([meter for meter, _ in asks], now)
        if self.away_since is not None and not self._sent and now >= self._ask_at:
            self._probe()
        if self.waits:
            waits, self.waits = self.waits, []
            for wait in waits:
                wait.look(now)
            self.waits += [wait for wait in waits if not wait.over]
        self._sweep_seats(now)
        if now - self._tidied_at >= _TIDY_EVERY_S:
            self._tidied_at = now
            self._tidy(now)
        self._schedule()

    def _probe(self) -> None:
        """Whether counting goes on is seen by asking for some limit, though no call wants any."""
        meter = next(iter(self._meters.values()), None)
        if meter is None:
            self.away_since = None
        else:
            self.want(meter)

    def _sweep_seats(self, now: float) -> None:
        for seats in list(self._seats):
            if seats.look(now):
                self.want(seats)

    def _tidy(self, now: float) -> None:
        """Gives back what is not used, and asks for what was used beyond the slice."""
        asks: list[tuple[Meter, SliceAsk]] = []
        rests_s = _FORGOTTEN_AFTER_S if len(self._lent) <= _LENT_AT_MOST else 0.0
        for meter in list(self._lent):
            if now >= meter.until:
                self._lent.discard(meter)
            elif meter.left < 0:
                self.want(meter)
            elif meter.left == meter.idle and not meter.asked and not meter.waits:
                rested_s = now - meter.granted_at
                if meter.left * _STAKE >= meter.remaining(now) or rested_s > rests_s:
                    asks.append((meter, meter.give_back()))
                    self._lent.discard(meter)
            else:
                meter.idle = meter.left
        self._send(asks, now)
        for key in self._grips.let_go(self._rests):
            del self._meters[key]

    def _rests(self, key: tuple[str, str, int]) -> bool:
        """Nothing would be lost with it."""
        meter = self._meters[key]
        if meter.asked or meter.pending or meter.waits or meter.number in self._wanted:
            return False
        return meter not in self._lent and meter not in self._seats

    def give_all_back(self) -> bool:
        """At the end of a relay. True when something is on its way, which `is_settled` tells the end of."""
        self._wanted.clear()
        now = self.now()
        lent = [meter for meter in self._lent if now < meter.until and meter.left > 0 and not meter.asked]
        asks = [(meter, meter.give_back()) for meter in (*lent, *self._seats) if not meter.asked]
        self._send(asks, now)
        return bool(asks)

    @property
    def is_settled(self) -> bool:
        return not self._sent

    # ---- shown

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""
        if self.away_since is None or not self._meters:
            return "ok"
        return "limits cannot be counted at the moment"

    def samples(self) -> tuple[Sample, ...]:
        return (
            Sample("turnpike_limit_refusals_total", (), self.refusals),
            Sample("turnpike_limit_uncounted_total", (), self.uncounted),
            Sample("turnpike_limits_uncountable", (), float(self.away_since is not None)),
            Sample("turnpike_limit_meters", (), len(self._meters)),
        )


def _needed(meter: Meter) -> int:
    """By the calls that wait for it."""
    needed = 0
    for wait in meter.waits or ():
        if not wait.over:
            needed += next((amount for each, amount in wait.needs if each is meter), 0)
    return needed

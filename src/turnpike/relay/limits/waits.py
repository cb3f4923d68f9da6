"""A call that waits for its slices."""

from typing import TYPE_CHECKING, Protocol

from turnpike.errors import TurnpikeError
from turnpike.relay.limits import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnpike.relay.gates import Governed
    from turnpike.relay.limits.desk import Desk
    from turnpike.relay.limits.meters import Meter

    Needs = Sequence[tuple[Meter, int]]

AT_MOST_S = 3.0


class Keeper(Protocol):
    """The gate, which is told how it ended."""

    def taken(self, call: "Governed", needs: "Needs") -> None: ...

    def show(self, call: "Governed", needs: "Needs") -> None: ...


class Wait:
    """Takes everything that the call needs at once, when all of it is there."""

    __slots__ = ("_desk", "_keeper", "call", "needs", "over", "since")

    def __init__(self, desk: "Desk", call: "Governed", needs: "Needs", keeper: Keeper) -> None:
        self._desk = desk
        self.call = call
        self.needs = needs
        self._keeper = keeper
        self.since = desk.now()
        self.over = False

    def begin(self) -> bool:
        """True: it was there. False: the call is held. Raises what the call is refused with."""
        now = self.since
        refusal = self._look(now)
        if refusal is not None:
            self._keeper.show(self.call, self.needs)
            raise refusal
        if not self._short(now):
            self._take()
            return True
        self._desk.waits.append(self)
        return False

    def look(self, now: float) -> None:
        """Something has changed, or time has passed."""
        if self.over:
            return
        if self.call.ended:
            self.over = True
            return
        refusal = self._look(now)
        if refusal is not None:
            self.over = True
            self._keeper.show(self.call, self.needs)
            self.call.refuse(refusal)
        elif not self._short(now):
            self.over = True
            self._take()
            self.call.go_on()

    def _look(self, now: float) -> TurnpikeError | None:
        """Asks for what is short. Returns what the call is refused with, if it is."""
        waited_s = now - self.since
        for meter, amount in self.needs:
            if meter.has(amount, now):
                if meter.left - amount < meter.low:
                    self._desk.want(meter)
                continue
            if self._goes_on(meter):
                self._desk.want(meter)  # or nobody would find out that it can be counted again
                continue
            is_dry = meter.is_dry(now)
            told = meter.dry_until > self.since
            if (is_dry and waited_s >= meter.patience_s) or (told and waited_s >= AT_MOST_S):
                self._desk.refusals += 1
                self.call.extra_headers += words.refusal_line(meter)
                return words.refused(meter, now)
            if waited_s >= AT_MOST_S or self._desk.is_lost(now):
                self._desk.want(meter)
                self.call.extra_headers += words.refusal_line(meter)
                return words.unknown(meter, now)
            if meter.waits is None:
                meter.waits = []
            if self not in meter.waits:
                meter.waits.append(self)
            if meter.is_seats or not is_dry:
                self._desk.want(meter)
        return None

    def _short(self, now: float) -> bool:
        return any(not meter.has(amount, now) and not self._goes_on(meter) for meter, amount in self.needs)

    def _goes_on(self, meter: "Meter") -> bool:
        """The truth is away, and this rule does not mind."""
        return meter.rule.open and self._desk.away_since is not None

    def _take(self) -> None:
        for meter, amount in self.needs:
            meter.left -= amount
        if self._desk.away_since is not None:
            self._desk.uncounted += any(meter.rule.open for meter, _ in self.needs)
        self._keeper.taken(self.call, self.needs)

"""Which gates a relay remembers: those of callers who were here lately, so that fifty thousand keys in use cost no more
memory than a few thousand. A caller whose gates are forgotten gets new ones with the next call; what its meters hold of
limits is given back meanwhile."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnpike.relay.gates import Gate
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan

AT_MOST = 2_000
"""About six kilobytes each, with their meters."""
_SPARED_AT_MOST = 8


class Remembered:
    """Of one snapshot: plans end with it."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[tuple[Entry, Plan], float] = {}
        """With the time of the caller's last request when it was looked at."""

    def __len__(self) -> int:
        return len(self._made)

    def add(self, entry: "Entry", plan: "Plan", gates: "tuple[Gate, ...]") -> None:
        while len(self._made) >= AT_MOST:
            self._forget_one()
        self._made[entry, plan] = entry.seen
        plan.gates[entry] = gates

    def _forget_one(self) -> None:
        """The oldest whose caller has not been here since; of many who have been, the last one looked at."""
        for spared in range(_SPARED_AT_MOST + 1):
            entry, plan = key = next(iter(self._made))
            seen = self._made.pop(key)
            if entry.seen > seen and entry.alive and spared < _SPARED_AT_MOST:
                self._made[key] = entry.seen
                continue
            plan.gates.pop(entry, None)
            if entry.gated is plan:
                entry.gated, entry.gates = None, ()
            return

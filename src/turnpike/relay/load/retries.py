"""How many attempts after the first a model is given: a share of its requests and a few besides, so that retries cannot
turn a failing provider's trouble into a storm."""

from collections import deque

from turnpike.relay.gauge import RECENT_S


class RetryBudget:
    """Of one model in one relay."""

    __slots__ = ("_spent", "refused")

    def __init__(self) -> None:
        self._spent: deque[float] = deque()
        self.refused = 0

    def may(self, now: float, attempts: int, share: float, least: int) -> bool:
        """`attempts`: all of the last ten seconds, retries among them. Takes one, if it says yes."""
        spent = self._spent
        while spent and spent[0] < now - RECENT_S:
            spent.popleft()
        requests = max(0, attempts - len(spent))
        if len(spent) >= least + share * requests:
            self.refused += 1
            return False
        spent.append(now)
        return True

    def quiet(self, now: float) -> bool:
        return not self._spent or self._spent[-1] < now - RECENT_S

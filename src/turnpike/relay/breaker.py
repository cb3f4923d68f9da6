"""Whether a deployment is asked at all: a circuit breaker, rests that its provider wants, and active health checks.

    closed --(failures in a row, or too many of the recent requests)--> open --(its time is over)--> half-open
    half-open: a few probes at a time; all go well: closed; one fails: open again, for longer each time

A rest is no failure: the deployment is passed over until it is over. One that the provider named (Retry-After) is kept;
one that is only guessed, or what a health check found, is overlooked when there is nothing else.
"""

from collections import deque

from turnpike.contract.backends import Rest
from turnpike.contract.snapshot import Policies
from turnpike.relay.gauge import RECENT_S

_LONGEST = 8
"""An opening lasts at most so many times the first one."""
_GUESS_AT_MOST_S = 30.0
_REMEMBERED = 1000


class Breaker:
    """Times are monotonic seconds. `open` and `troubled` are for who wants to know whether there is anything to ask or
    to tell: on the common path there is not."""

    __slots__ = (
        "_again",
        "_down",
        "_failed",
        "_good",
        "_guessed_until",
        "_limit",
        "_min_requests",
        "_open_s",
        "_open_until",
        "_probes",
        "_probing",
        "_refusals",
        "_share",
        "_told_until",
        "failures",
        "open",
        "tripped",
        "troubled",
    )  # fmt: skip

    def __init__(
        self, limit: int, open_s: float, *, share: float = 0.5, min_requests: int = 20, probes: int = 1
    ) -> None:
        self._limit = limit
        self._open_s = open_s
        self._share = share
        self._min_requests = min_requests
        self._probes = probes
        self._open_until = 0.0
        self._told_until = 0.0
        self._guessed_until = 0.0
        self._failed: deque[float] = deque(maxlen=_REMEMBERED)
        """When the recent failures were."""
        self._probing = 0
        self._good = 0
        """Probes in a row that went well."""
        self._again = 0
        """How often it opened again without having been closed."""
        self._refusals = 0
        self._down = False
        self.failures = 0
        """In a row."""
        self.tripped = False
        """Open or half-open, by its failures."""
        self.open = False
        """`may_pass` must be asked."""
        self.troubled = False
        """A success is worth telling."""

    def configure(self, policies: Policies) -> None:
        self._limit = policies.breaker_failures
        self._open_s = policies.breaker_open_s
        self._share = policies.breaker_failure_share
        self._min_requests = policies.breaker_min_requests
        self._probes = policies.breaker_probes

    # ---- asked

    def may_pass(self, now: float) -> bool:
        if not self.open:
            return True
        if self._down or now < self._told_until or now < self._guessed_until:
            return False
        if not self.tripped:
            self.open = False
            return True
        return now >= self._open_until and self._probing < self._probes

    def stands_in(self, now: float) -> bool:
        """Whether only a guess or a health check speaks against it: then it is asked before a caller gets nothing."""
        if now < self._told_until:
            return False
        return not self.tripped or (now >= self._open_until and self._probing < self._probes)

    def rests_for_s(self, now: float) -> float:
        """Until it may be asked again, as far as is known."""
        return max(0.0, self._told_until - now, self._open_until - now if self.tripped else 0.0)

    def cools_for_s(self, now: float) -> float:
        """What is left of the rest that its provider wants; 0 also when it is open besides."""
        return 0.0 if self.tripped else max(0.0, self._told_until - now)

    def state(self, now: float) -> int:
        """0 closed, 1 half-open, 2 open."""
        if not self.tripped:
            return 0
        return 1 if now >= self._open_until else 2

    def rest_now(self, now: float) -> Rest:
        """Why it may not pass, if it may not."""
        if self.may_pass(now):
            return Rest.NONE
        if now < self._told_until:
            return Rest.TOLD
        if self.tripped:
            return Rest.FAILED if now < self._open_until else Rest.PROBED
        return Rest.CHECKED if self._down else Rest.REFUSED

    def rest_left_s(self, now: float) -> float:
        """How much longer `rest_now` holds, as far as is known."""
        return max(self.rests_for_s(now), self._guessed_until - now)

    # ---- told

    def started(self) -> bool:
        """An attempt begins although `open` is set. True: it is a probe, and must be told as one."""
        if not self.tripped:
            return False
        self._probing += 1
        return True

    def succeeded(self, *, probe: bool = False) -> None:
        self.failures = self._refusals = 0
        self._guessed_until = 0.0
        self.troubled = False
        if not probe:
            return  # while it is open, what had begun before says nothing of now
        self._probing -= 1
        self._good += 1
        if self._good >= self._probes and self.tripped:
            self.tripped = False
            self._again = 0
            self._failed.clear()

    def failed(self, now: float, requests: int = 0, *, probe: bool = False) -> None:
        """`requests`: those of the last seconds, this one among them."""
        self.failures += 1
        self.troubled = True
        if probe:
            self._probing -= 1
            self._trip(now, self._open_s * min(_LONGEST, 2**self._again))
            self._again += 1
        elif not self.tripped:
            failed = self._failed
            failed.append(now)
            while failed[0] < now - RECENT_S:
                failed.popleft()
            often = requests >= self._min_requests and len(failed) >= self._share * requests
            if often or self.failures >= self._limit:
                self._trip(now, self._open_s)

    def _trip(self, now: float, seconds: float) -> None:
        self.tripped = self.open = True
        self._good = 0
        self._open_until = now + seconds

    def released(self, *, probe: bool = False) -> None:
        """The attempt ended without saying anything of the deployment: its caller left."""
        if probe:
            self._probing -= 1

    def rest(self, until: float) -> None:
        """The provider named a time before which it will not answer."""
        self._told_until = max(self._told_until, until)
        self.open = self.troubled = True

    def rest_a_little(self, now: float, seconds: float) -> None:
        """It will not answer for a while, and did not say how long: twice as long each time in a row."""
        self._guessed_until = now + min(_GUESS_AT_MOST_S, seconds * 2**self._refusals)
        self._refusals = min(self._refusals + 1, 10)
        self.open = self.troubled = True

    def checked(self, *, well: bool) -> None:
        """What the active health check says; well is also who is not checked."""
        self._down = not well
        self.open = self.open or self._down

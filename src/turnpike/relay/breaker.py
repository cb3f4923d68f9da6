"""Circuit breaker of one deployment, in its first form: so many failures in a row, and it rests for a while."""


class Breaker:
    """Closed: requests pass. Open: none do, until the rest is over. Half-open: one probe passes and decides.

    Times are monotonic seconds. `open` and `failures` may be read by whoever wants to know whether there is anything
    to ask or to tell: on the common path there is not.
    """

    __slots__ = ("_limit", "_open_s", "_open_until", "_probing", "failures", "open")

    def __init__(self, limit: int, open_s: float) -> None:
        self._limit = limit
        self._open_s = open_s
        self._open_until = 0.0
        self._probing = False
        self.failures = 0
        """In a row."""
        self.open = False

    def configure(self, limit: int, open_s: float) -> None:
        self._limit = limit
        self._open_s = open_s

    def may_pass(self, now: float) -> bool:
        return not self.open or (now >= self._open_until and not self._probing)

    def rests_for_s(self, now: float) -> float:
        return max(0.0, self._open_until - now)

    def started(self) -> None:
        """A request passes while the breaker is open: it is the probe."""
        self._probing = True

    def succeeded(self) -> None:
        self.failures = 0
        self.open = self._probing = False

    def failed(self, now: float) -> None:
        self.failures += 1
        if self._probing or self.failures >= self._limit:
            self.open = True
            self._open_until = now + self._open_s
        self._probing = False

    def released(self) -> None:
        """The request ended without saying anything of the deployment: its caller left."""
        self._probing = False

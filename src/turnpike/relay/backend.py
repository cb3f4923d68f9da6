"""Runtime state of a deployment with one credential, and the one place where every attempt at it begins and ends.

An attempt of any lane (model call, media, pass-through, realtime) calls `begin` once when it is sent, and `answered`,
`ended` or `left` once when it is over; `heard` when its first byte is there, where that is before its end.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from turnpike.contract.snapshot import ModelSpec, Policies, ProviderSpec
from turnpike.errors import TurnpikeError, Unavailable, UpstreamRefused
from turnpike.relay.breaker import Breaker
from turnpike.relay.gauge import Gauge
from turnpike.relay.load.limit import GradientLimit

_OVERLOADED = (429, 503, 529)
"""Statuses by which providers say that they have too much to do (529: Anthropic's)."""
_CREDENTIAL = (401, 402)
"""The credential is wrong or not paid for: the next call would get the same."""
_REST_AT_MOST_S = 3600.0
_HANG_FACTOR = 3.0
_FOR_EVER = float("inf")


class Backend:
    """The same object from snapshot to snapshot."""

    __slots__ = (
        "_policies", "breaker", "cap", "gauge", "limit", "model", "patience_s", "patience_whole_s", "provider",
    )  # fmt: skip

    def __init__(self, provider: str, model: str, policies: Policies, cap: int | None = None) -> None:
        self.provider = provider
        self.model = model
        self._policies = policies
        self.breaker = Breaker(policies.breaker_failures, policies.breaker_open_s)
        self.gauge = Gauge()
        self.limit = GradientLimit()
        self.patience_s = self.patience_whole_s = _FOR_EVER
        """How long the first byte of a stream, or of a whole answer, may take where another deployment could be asked
        meanwhile: a good deal longer than the longest wait of late."""
        self.configure(policies, cap)

    def configure(self, policies: Policies, cap: int | None = None) -> None:
        """`cap`: attempts that it may have in hand, where it has a cap of its own."""
        self._policies = policies
        self.cap = policies.concurrency_max if cap is None else cap
        """Attempts in hand at a time, at most; the limit that finds itself stays below."""
        self.breaker.configure(policies)
        self.limit.configure(self.cap, adaptive=policies.adaptive_concurrency)
        self.look()

    def look(self) -> None:
        """What follows from what was measured. Called with the relay's sweep while there is anything to measure."""
        policies = self._policies
        if policies.hang_timeout_s:
            usual_s = self.gauge.slowest_s * _HANG_FACTOR
            self.patience_s = max(policies.hang_timeout_s, usual_s)
            self.patience_whole_s = max(policies.hang_timeout_whole_s, usual_s)
        else:
            self.patience_s = self.patience_whole_s = _FOR_EVER
        self.show_limit()

    def show_limit(self) -> None:
        """Puts the limit into force for who comes next."""
        gauge = self.gauge
        gauge.limit = int(self.limit.value)
        if gauge.queue is None:
            gauge.room = gauge.limit

    # ---- attempts

    def begin(self) -> bool:
        """True: the attempt is a probe of the breaker, and says so at its end."""
        gauge = self.gauge
        gauge.begun += 1  # as Gauge.begin, which costs a call
        gauge.in_flight += 1
        if gauge.asleep:
            gauge.wake()
        return self.breaker.open and self.breaker.started()

    def heard_stream(self, seconds: float, now: float) -> None:
        gauge = self.gauge
        gauge.heard(seconds, now, gauge.streamed_s)

    def answered_plain(self, seconds: float, now: float, *, probe: bool) -> None:
        """A whole answer, `seconds` after it was asked for."""
        gauge = self.gauge
        gauge.heard(seconds, now, gauge.whole_s)
        if probe or self.breaker.troubled:
            self.breaker.succeeded(probe=probe)
        gauge.end()

    def answered(self, *, probe: bool) -> None:
        """A stream, whose first byte was told, came to its end."""
        if probe or self.breaker.troubled:
            self.breaker.succeeded(probe=probe)
        self.gauge.end()

    def left(self, *, probe: bool) -> None:
        """It ended without saying anything of the deployment: its caller left, or we were at fault."""
        self.breaker.released(probe=probe)
        self.gauge.end()

    def ended(self, error: TurnpikeError, now: float, *, probe: bool) -> None:
        """It failed, or was refused."""
        if isinstance(error, Unavailable):
            self.breaker.released(probe=probe)
        elif isinstance(error, UpstreamRefused) and error.status < 500:
            self.breaker.succeeded(probe=probe)
            if error.status in _CREDENTIAL:
                self.breaker.rest_a_little(now, self._policies.cooldown_s)
        else:
            self.gauge.unwell()
            self.breaker.failed(now, self.gauge.recent, probe=probe)
        if isinstance(error, UpstreamRefused) and error.status in _OVERLOADED:
            self._overloaded(error, now)
        self.gauge.end()

    def _overloaded(self, error: UpstreamRefused, now: float) -> None:
        self.limit.halve(self.gauge.in_flight, now)
        self.show_limit()
        seconds = error.retry_after_s
        if seconds is not None:
            until = now + min(seconds, _REST_AT_MOST_S)
            self.gauge.rests_until = max(self.gauge.rests_until, until)
            self.breaker.rest(until)
        elif error.status == 429:
            self.breaker.rest_a_little(now, self._policies.cooldown_s)


def _nobody(backend: Backend) -> None:
    """Until somebody wants to be told."""


class Backends:
    """All of a relay's, by deployment and credential."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Backend] = {}
        self.on_wake: Callable[[Backend], None] = _nobody
        """Told when an attempt begins at one that had been quiet."""
        self.on_room: Callable[[Backend], None] = _nobody
        """Told when an attempt ends at one that calls wait for."""
        self._down: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Backend]:
        return iter(self._all.values())

    def of(self, row: ModelSpec, provider: ProviderSpec, credential_id: str, policies: Policies) -> Backend:
        key = (row.id, credential_id)
        backend = self._all.get(key)
        if backend is None:
            backend = self._all[key] = Backend(provider.slug, row.name, policies, row.max_in_flight)
            backend.gauge.on_wake = partial(self._woke, backend)
            backend.gauge.on_room = partial(self._freed, backend)
            backend.breaker.checked(well=provider.slug not in self._down)
        else:
            backend.configure(policies, row.max_in_flight)
        return backend

    def items(self) -> Iterable[tuple[tuple[str, str], Backend]]:
        """By the ids of deployment and credential."""
        return self._all.items()

    def known(self, deployment_id: str, credential_id: str | None) -> Backend | None:
        return self._all.get((deployment_id, credential_id or ""))

    def found_down(self, slugs: frozenset[str]) -> None:
        """What control's health checks say: these providers do not answer, all others do."""
        self._down = slugs
        for backend in self._all.values():
            backend.breaker.checked(well=backend.provider not in slugs)

    @property
    def down(self) -> frozenset[str]:
        return self._down

    def _woke(self, backend: Backend) -> None:
        self.on_wake(backend)

    def _freed(self, backend: Backend) -> None:
        self.on_room(backend)

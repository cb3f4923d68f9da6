"""Keeps the load of one relay: looks at deployments, queue and event loop ten times a second, and tells of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from turnpike.contract.backends import BackendState
from turnpike.contract.metrics import Sample
from turnpike.contract.snapshot import Policies
from turnpike.relay.backend import Backend, Backends
from turnpike.relay.gauge import Gauge
from turnpike.relay.load.pressure import Pressure
from turnpike.relay.load.queue import Queue, Spot, Waits
from turnpike.relay.load.retries import RetryBudget

if TYPE_CHECKING:
    from turnpike.relay.load.fair import Ticket
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.target import Target

SWEEP_S = 0.1
"""How often `sweep` is called."""
_LAG_SPOILS_S = 0.05
"""While the event loop is so late, latencies measure us and not the deployments."""
_BUDGETS_AT_MOST = 10_000


class LoadKeeper:
    def __init__(self, backends: Backends, now: float) -> None:
        self._backends = backends
        self._awake: dict[Backend, None] = {}
        self._policies = Policies()
        self._budgets: dict[str, RetryBudget] = {}
        self._exhausted: dict[str, int] = {}
        self._swept = self._marked = now
        self._pressure = Pressure()
        self.queue = Queue(self._pressure)
        self.pressed = False
        """Tiers are turned away: every call has to be looked at."""
        backends.on_wake = self._woke
        backends.on_room = self.queue.freed
        self.configure(self._policies)

    def configure(self, policies: Policies) -> None:
        self._policies = policies
        self.queue.configure(policies)

    # ---- calls

    def place(self, call: Waits, target: Spot) -> None:
        self.queue.place(call, target)

    def leave(self, ticket: "Ticket[Waits]") -> None:
        self.queue.leave(ticket)

    def may_retry(self, plan: "Plan", now: float) -> bool:
        """Whether the model's budget has another attempt; takes it then."""
        budget = self._budgets.get(plan.model)
        if budget is None:
            if len(self._budgets) >= _BUDGETS_AT_MOST:
                self._budgets = {name: each for name, each in self._budgets.items() if not each.quiet(now)}
            budget = self._budgets[plan.model] = RetryBudget()
        gauges = dict.fromkeys(target.gauge for target in plan.targets)
        attempts = sum(gauge.recent for gauge in gauges)
        allowed = budget.may(now, attempts, self._policies.retry_share, self._policies.retry_floor)
        if not allowed:
            self._exhausted[plan.model] = self._exhausted.get(plan.model, 0) + 1
        return allowed

    def last_resort(self, plan: "Plan", tried: "tuple[Target, ...]", now: float) -> "Target | None":
        """A deployment that only a guess or a health check speaks against, when there is no other."""
        untried = [each for each in plan.targets if each not in tried]
        return next((each for each in (*untried, *tried[-1:]) if each.breaker.stands_in(now)), None)

    # ---- time passes

    def sweep(self, now: float) -> None:
        lag_s = max(0.0, now - self._swept - SWEEP_S)
        self._swept = now
        pressure = self._pressure
        pressure.lagged(lag_s)
        marks = now - self._marked >= 1.0
        if marks:
            self._marked = now
        for backend in list(self._awake):
            self._look_at(backend, spoilt=lag_s > _LAG_SPOILS_S, marks=marks)
        self.queue.sweep(now)
        pressure.look(self._signal(now), self.queue.steps, now)
        self.pressed = pressure.level > 0

    def _signal(self, now: float) -> float:
        """1 or more: the relay is pressed; by the event loop or by how long calls wait."""
        policies = self._policies
        lag = self._pressure.lag_s / policies.overload_lag_s if policies.overload_lag_s else 0.0
        age_s = self.queue.age_s(now, but_shed=True)
        return max(lag, 2 * age_s / policies.queue_wait_s if policies.queue_wait_s else 0.0)

    def _look_at(self, backend: Backend, *, spoilt: bool, marks: bool) -> None:
        gauge = backend.gauge
        if spoilt:
            _forget(gauge)
        elif backend.limit.look(gauge.whole_s, gauge.streamed_s, gauge.peak):
            gauge.peak = gauge.in_flight
        elif marks and gauge.in_flight * 2 < gauge.limit:
            backend.limit.drift()
        backend.look()
        if gauge.queue is not None:
            self.queue.dispatch(backend)
        if marks:
            gauge.mark()
            if gauge.quiet and gauge.limit >= backend.cap:
                gauge.sleep()
                del self._awake[backend]

    def _woke(self, backend: Backend) -> None:
        self._awake[backend] = None

    # ---- what is shown

    def states(self, now: float) -> tuple[BackendState, ...]:
        """Of the deployments that were asked of late, or rest."""
        return tuple(
            state_of(deployment_id, credential_id, backend, now)
            for (deployment_id, credential_id), backend in self._backends.items()
            if not backend.gauge.asleep or backend.breaker.open
        )

    def samples(self, now: float) -> Iterator[Sample]:
        yield Sample("turnpike_loop_lag_seconds", (), round(self._pressure.lag_s, 4))
        yield Sample("turnpike_shed_level", (), self._pressure.level)
        queue = self.queue
        ages = queue.ages_s(now)
        for tier, number in queue.live.items():
            yield Sample("turnpike_queue_length", (tier,), number)
            yield Sample("turnpike_queue_age_seconds", (tier,), round(ages.get(tier, 0.0), 3))
        yield from (Sample("turnpike_queued_total", (tier,), number) for tier, number in queue.queued.items())
        yield from (Sample("turnpike_shed_total", labels, number) for labels, number in queue.shed.items())
        for model, number in self._exhausted.items():
            yield Sample("turnpike_retry_budget_exhausted_total", (model,), number)
        yield from (Sample("turnpike_provider_unhealthy", (slug,), 1) for slug in self._backends.down)
        for backend in self._backends:
            yield from _backend_samples(backend, now)


def state_of(deployment_id: str, credential_id: str, backend: Backend, now: float) -> BackendState:
    gauge, breaker = backend.gauge, backend.breaker
    rest = breaker.rest_now(now)
    return BackendState(
        deployment_id,
        credential_id,
        in_flight=gauge.in_flight,
        limit=gauge.limit,
        waiting=gauge.queue.live if gauge.queue is not None else 0,
        latency_s=round(gauge.latency_s, 6),
        heard_ago_s=round(max(0.0, now - gauge.seen), 3) if gauge.latency_s else 0.0,
        failing=round(gauge.failing, 4),
        rest=rest,
        rest_s=round(breaker.rest_left_s(now), 1) if rest else 0.0,
    )


def _forget(gauge: Gauge) -> None:
    gauge.whole_s.clear()
    gauge.streamed_s.clear()
    gauge.peak = gauge.in_flight


def _backend_samples(backend: Backend, now: float) -> Iterator[Sample]:
    gauge, breaker = backend.gauge, backend.breaker
    labels = (backend.provider, backend.model)
    if not gauge.asleep:
        yield Sample("turnpike_backend_in_flight", labels, gauge.in_flight)
        yield Sample("turnpike_backend_limit", labels, gauge.limit)
        yield Sample("turnpike_backend_latency_seconds", labels, round(gauge.latency_s, 4))
        yield Sample("turnpike_backend_failing", labels, round(gauge.failing, 4))
    if breaker.open:
        yield Sample("turnpike_breaker_open", labels, float(breaker.tripped and not breaker.may_pass(now)))
        yield Sample("turnpike_breaker_state", labels, breaker.state(now))
        yield Sample("turnpike_cooldown_seconds", labels, round(max(0.0, gauge.rests_until - now), 1))

"""The metrics that a relay counts, defined once: relays fill them, control merges them and renders /metrics.

Names of the briefs (`gateway_*`, `inference_*`, `ai_gateway_*`) stand beside ours (`turnpike_*`).
"""

import msgspec

DURATION_BUCKETS_S: tuple[float, ...] = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip


class Metric(msgspec.Struct, frozen=True):
    name: str
    """As exposed, counters with their `_total`."""
    kind: str
    """counter, gauge or histogram."""
    help: str
    labels: tuple[str, ...] = ()


METRICS: tuple[Metric, ...] = (
    Metric("gateway_requests_total", "counter", "Total requests", ("method", "endpoint", "status")),
    Metric("gateway_request_duration_seconds", "histogram", "Request duration", ("endpoint",)),
    Metric("inference_requests_total", "counter", "Total inference requests", ("model", "type")),
    Metric("gateway_active_users", "gauge", "Users with a request in the last five minutes"),
    Metric("ai_gateway_total", "counter", "Total gateway requests"),
    Metric("ai_gateway_errors_total", "counter", "Total gateway errors"),
    Metric("ai_gateway_requests_total", "counter", "Attempts per backend", ("backend", "status")),
    Metric("ai_gateway_request_duration_seconds", "histogram", "Duration of attempts per backend", ("backend",)),
    Metric("turnpike_tokens_total", "counter", "Tokens by kind", ("model", "kind")),
    Metric("turnpike_cost_nanousd_total", "counter", "Cost in nano-dollars", ("model",)),
    Metric("turnpike_unpriced_requests_total", "counter", "Settled requests without a price", ("model",)),
    Metric("turnpike_retries_total", "counter", "Attempts after the first", ("backend",)),
    Metric(
        "turnpike_guard_decisions_total",
        "counter",
        "Finds of guards, by what came of them",
        ("policy", "guard", "action"),
    ),
    Metric("turnpike_requests_in_flight", "gauge", "Requests being answered"),
    Metric("turnpike_client_connections", "gauge", "Open client connections"),
    Metric("turnpike_upstream_connections", "gauge", "Open upstream connections", ("state",)),
    Metric("turnpike_breaker_open", "gauge", "1 while a deployment's breaker is open", ("backend", "model")),
    Metric("turnpike_breaker_state", "gauge", "0 closed, 1 half-open, 2 open, of a deployment", ("backend", "model")),
    Metric("turnpike_cooldown_seconds", "gauge", "Rest that a provider asked for and is left", ("backend", "model")),
    Metric("turnpike_provider_unhealthy", "gauge", "1 for a provider that fails its health check", ("backend",)),
    Metric("turnpike_backend_in_flight", "gauge", "Attempts in hand at a deployment", ("backend", "model")),
    Metric("turnpike_backend_limit", "gauge", "Attempts that a deployment is given at a time", ("backend", "model")),
    Metric(
        "turnpike_backend_latency_seconds", "gauge", "Peak-EWMA of the time to the first byte", ("backend", "model")
    ),
    Metric("turnpike_backend_failing", "gauge", "EWMA of failures of a deployment, 0 to 1", ("backend", "model")),
    Metric("turnpike_queue_length", "gauge", "Calls that wait for room", ("tier",)),
    Metric("turnpike_queue_age_seconds", "gauge", "How long the longest of them has waited", ("tier",)),
    Metric("turnpike_queued_total", "counter", "Calls that had to wait for room", ("tier",)),
    Metric("turnpike_shed_total", "counter", "Calls turned away under load", ("tier", "reason")),
    Metric("turnpike_shed_level", "gauge", "How many of the lowest tiers are turned away"),
    Metric("turnpike_loop_lag_seconds", "gauge", "How late a relay's event loop is, smoothed"),
    Metric("turnpike_retry_budget_exhausted_total", "counter", "Retries that the budget refused", ("model",)),
    Metric("turnpike_key_cache_entries", "gauge", "Resolved keys in memory"),
    Metric("turnpike_journal_segments", "gauge", "Journal segments not drained yet"),
    Metric("turnpike_cache_requests_total", "counter", "Calls under a cache rule, by what became of them", ("result",)),
    Metric("turnpike_cache_saved_nanousd_total", "counter", "What answers out of the cache had cost, in nano-dollars"),
    Metric("turnpike_cache_late_total", "counter", "Times that the shared store of answers did not answer in time"),
    Metric("turnpike_cache_entries", "gauge", "Answers in memory"),
    Metric("turnpike_cache_bytes", "gauge", "Bytes of answers in memory"),
    Metric("turnpike_limit_refusals_total", "counter", "Calls refused because a limit was reached"),
    Metric("turnpike_limit_uncounted_total", "counter", "Calls that an open limit let pass uncounted"),
    Metric("turnpike_limits_uncountable", "gauge", "Relays that cannot count limits at the moment"),
    Metric("turnpike_limit_meters", "gauge", "Counters that relays hold slices of"),
    Metric("turnpike_snapshot_version", "gauge", "Version of the snapshot in force (the lowest of all relays)"),
)


class Sample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One series. A histogram has `buckets` (counts per bucket, not cumulative, the last one is +Inf) and `value` is
    its sum."""

    name: str
    labels: tuple[str, ...]
    value: float
    buckets: tuple[int, ...] = ()

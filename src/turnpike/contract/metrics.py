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
    Metric("turnpike_key_cache_entries", "gauge", "Resolved keys in memory"),
    Metric("turnpike_journal_segments", "gauge", "Journal segments not drained yet"),
    Metric("turnpike_snapshot_version", "gauge", "Version of the snapshot in force (the lowest of all relays)"),
)


class Sample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One series. A histogram has `buckets` (counts per bucket, not cumulative, the last one is +Inf) and `value` is
    its sum."""

    name: str
    labels: tuple[str, ...]
    value: float
    buckets: tuple[int, ...] = ()

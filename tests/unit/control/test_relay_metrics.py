"""Counters of relays that come and go never fall."""

from turnpike.contract.metrics import Sample
from turnpike.control.relay_metrics import RelayMetrics

REQUESTS = "ai_gateway_total"
OPEN = "turnpike_client_connections"


def value(metrics: RelayMetrics, name: str, labels: tuple[str, ...] = ()) -> float | None:
    return next((sample.value for sample in metrics.merged() if (sample.name, sample.labels) == (name, labels)), None)


def test_relays_are_added_up() -> None:
    metrics = RelayMetrics()
    metrics.update("a", [Sample(REQUESTS, (), 3), Sample(OPEN, (), 1)])
    metrics.update("b", [Sample(REQUESTS, (), 4), Sample(OPEN, (), 2)])
    assert (value(metrics, REQUESTS), value(metrics, OPEN)) == (7, 3)


def test_a_later_report_replaces_the_earlier_one() -> None:
    metrics = RelayMetrics()
    metrics.update("a", [Sample(REQUESTS, (), 3)])
    metrics.update("a", [Sample(REQUESTS, (), 5)])
    assert value(metrics, REQUESTS) == 5


def test_counters_stay_and_gauges_go_with_their_relay() -> None:
    metrics = RelayMetrics()
    metrics.update("a", [Sample(REQUESTS, (), 3), Sample(OPEN, (), 1)])
    metrics.departed("a")
    metrics.update("b", [Sample(REQUESTS, (), 1)])
    assert (value(metrics, REQUESTS), value(metrics, OPEN)) == (4, None)
    assert metrics.relays() == ["b"]


def test_a_relay_that_comes_back_is_not_counted_twice() -> None:
    metrics = RelayMetrics()
    metrics.update("a", [Sample(REQUESTS, (), 3)])
    metrics.departed("a")
    metrics.update("a", [Sample(REQUESTS, (), 4)])
    assert value(metrics, REQUESTS) == 4


def test_totals_hold_however_many_relays_left() -> None:
    metrics = RelayMetrics()
    for number in range(300):
        metrics.update(f"r{number}", [Sample(REQUESTS, (), 1)])
        metrics.departed(f"r{number}")
    assert value(metrics, REQUESTS) == 300


def test_histograms_are_added_by_bucket() -> None:
    name = "gateway_request_duration_seconds"
    metrics = RelayMetrics()
    metrics.update("a", [Sample(name, ("chat",), 0.5, (1, 0, 2))])
    metrics.update("b", [Sample(name, ("chat",), 1.5, (1, 1, 0))])
    metrics.departed("a")
    (sample,) = metrics.merged()
    assert (sample.value, sample.buckets) == (2.0, (2, 1, 2))


def test_the_lowest_snapshot_and_any_open_breaker_are_shown() -> None:
    metrics = RelayMetrics()
    metrics.update("a", [Sample("turnpike_snapshot_version", (), 7), Sample("turnpike_breaker_open", ("x", "m"), 1)])
    metrics.update("b", [Sample("turnpike_snapshot_version", (), 5), Sample("turnpike_breaker_open", ("x", "m"), 0)])
    assert value(metrics, "turnpike_snapshot_version") == 5
    assert value(metrics, "turnpike_breaker_open", ("x", "m")) == 1

"""Relay samples and control's figures in Prometheus' format, and all of them in the docs."""

from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from turnpike.contract.metrics import DURATION_BUCKETS_S, METRICS, Metric, Sample
from turnpike.control.domains.admin.exposition import CONTROL_METRICS, families

DOCS = Path(__file__).parents[3] / "docs" / "operations.md"


class _Given(Collector):
    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples

    def collect(self):
        return families(METRICS, self.samples)


def _parsed(*samples: Sample) -> dict[str, float]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(list(samples)))
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_counters_and_gauges_keep_their_names_and_labels() -> None:
    found = _parsed(
        Sample("gateway_requests_total", ("POST", "/v1/messages", "200"), 7),
        Sample("ai_gateway_total", (), 9),
        Sample("turnpike_upstream_connections", ("idle",), 3),
        Sample("turnpike_tokens_total", ('odd"\\\nmodel', "input"), 5),
    )
    assert found["gateway_requests_total{endpoint=/v1/messages,method=POST,status=200}"] == 7
    assert found["ai_gateway_total{}"] == 9
    assert found["turnpike_upstream_connections{state=idle}"] == 3
    assert found['turnpike_tokens_total{kind=input,model=odd"\\\nmodel}'] == 5


def test_a_histogram_is_cumulative_and_has_sum_and_count() -> None:
    buckets = (1, 2, *(0 for _ in DURATION_BUCKETS_S[2:]), 4)
    found = _parsed(Sample("gateway_request_duration_seconds", ("/v1/messages",), 12.5, buckets))
    name = "gateway_request_duration_seconds"
    assert found[f"{name}_bucket{{endpoint=/v1/messages,le=0.005}}"] == 1
    assert found[f"{name}_bucket{{endpoint=/v1/messages,le=0.01}}"] == 3
    assert found[f"{name}_bucket{{endpoint=/v1/messages,le=300.0}}"] == 3
    assert found[f"{name}_bucket{{endpoint=/v1/messages,le=+Inf}}"] == 7
    assert found[f"{name}_count{{endpoint=/v1/messages}}"] == 7
    assert found[f"{name}_sum{{endpoint=/v1/messages}}"] == 12.5


def test_a_sample_that_does_not_fit_its_metric_is_left_out() -> None:
    found = _parsed(
        Sample("gateway_requests_total", ("POST",), 1),
        Sample("gateway_request_duration_seconds", ("/v1",), 1.0, (1, 2)),
        Sample("of_another_version_total", (), 1),
    )
    assert found == {}


@pytest.mark.parametrize("metric", [*METRICS, *CONTROL_METRICS], ids=lambda metric: metric.name)
def test_every_metric_is_in_the_docs_with_its_labels(metric: Metric) -> None:
    (line,) = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{metric.name}`")]
    assert metric.kind in line
    for label in metric.labels:
        assert f"`{label}`" in line


def test_a_counters_name_ends_as_prometheus_wants_it() -> None:
    for metric in (*METRICS, *CONTROL_METRICS):
        assert metric.name.endswith("_total") == (metric.kind == "counter")

"""/metrics as Prometheus reads it: the relays' merged counters, control's own figures, and its process.

Relay metrics are defined in turnpike.contract.metrics, control's own here; docs/operations.md explains each.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from turnpike import __version__
from turnpike.contract.metrics import DURATION_BUCKETS_S, METRICS, Metric, Sample
from turnpike.control.services import ControlServices

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
CONTROL_METRICS: tuple[Metric, ...] = (
    Metric("turnpike_info", "gauge", "Always 1; the version is a label", ("version",)),
    Metric("turnpike_relays", "gauge", "Relays connected to control"),
    Metric("turnpike_healthy", "gauge", "1 for each of control's checks that is well", ("check",)),
    Metric("turnpike_ledger_rows_total", "counter", "Rows put into the ledger"),
    Metric("turnpike_ledger_duplicates_total", "counter", "Records read again whose rows were there already"),
    Metric("turnpike_ledger_interrupted_total", "counter", "Rows of calls that a crash cut short"),
    Metric("turnpike_ledger_batches_total", "counter", "Transactions that put rows into the ledger"),
    Metric("turnpike_ledger_write_seconds_total", "counter", "Time spent writing the ledger"),
    Metric("turnpike_ledger_lag_seconds", "gauge", "How long the ledger has been behind the journals"),
    Metric("turnpike_ledger_backlog_bytes", "gauge", "Journal bytes not in the ledger yet, at most"),
    Metric("turnpike_journal_files", "gauge", "Journal segments on disk that are not drained"),
    Metric("turnpike_journal_aside", "gauge", "Journal segments set aside"),
    Metric("turnpike_journal_damage_total", "counter", "Damage met in journals", ("kind",)),
    Metric("turnpike_disk_free_bytes", "gauge", "Free space where the data folder is"),
    Metric("turnpike_database_connections", "gauge", "Control's connections to the database", ("state",)),
)

_DAMAGE = ("torn", "corrupt", "unreadable", "rejected")
_BOUNDS = (*(str(bound) for bound in DURATION_BUCKETS_S), "+Inf")


def render(services: ControlServices) -> bytes:
    """Raises nothing of its own: a figure that is not known is not shown."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gateway(services))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Gateway(Collector):
    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def collect(self) -> Iterator[Family]:
        yield from families(METRICS, self._services.metrics.merged())
        yield from families(CONTROL_METRICS, own_samples(self._services))


def own_samples(services: ControlServices) -> list[Sample]:
    drain = services.drain()
    figures = {
        "turnpike_relays": len(services.metrics.relays()),
        "turnpike_ledger_rows_total": drain.rows,
        "turnpike_ledger_duplicates_total": drain.duplicates,
        "turnpike_ledger_interrupted_total": drain.interrupted,
        "turnpike_ledger_batches_total": drain.batches,
        "turnpike_ledger_write_seconds_total": drain.busy_s,
        "turnpike_ledger_lag_seconds": drain.lag_s,
        "turnpike_ledger_backlog_bytes": drain.backlog_bytes,
        "turnpike_journal_files": drain.segments,
        "turnpike_journal_aside": drain.aside,
        "turnpike_disk_free_bytes": drain.disk_free_bytes,
    }
    samples = [Sample(name, (), float(value)) for name, value in figures.items() if value is not None]
    samples.append(Sample("turnpike_info", (__version__,), 1.0))
    samples.extend(Sample("turnpike_journal_damage_total", (kind,), float(getattr(drain, kind))) for kind in _DAMAGE)
    samples.extend(
        Sample("turnpike_healthy", (name,), float(word == "ok")) for name, word in services.health.report().items()
    )
    database = services.database
    used, idle = _connections({id(engine): engine for engine in (database.readers, database.writers)}.values())
    samples.append(Sample("turnpike_database_connections", ("in_use",), float(used)))
    samples.append(Sample("turnpike_database_connections", ("idle",), float(idle)))
    return samples


def _connections(engines: Iterable[AsyncEngine]) -> tuple[int, int]:
    pools = [engine.pool for engine in engines if isinstance(engine.pool, QueuePool)]
    return sum(pool.checkedout() for pool in pools), sum(pool.checkedin() for pool in pools)


def families(metrics: Sequence[Metric], samples: Iterable[Sample]) -> Iterator[Family]:
    """One family a metric, with or without samples. A sample whose labels do not fit its metric is left out: it comes
    from a relay of another version."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    for metric in metrics:
        found = [sample for sample in by_name.get(metric.name, ()) if len(sample.labels) == len(metric.labels)]
        yield _family(metric, found)


def _family(metric: Metric, samples: list[Sample]) -> Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for sample in samples:
            if len(sample.buckets) == len(_BOUNDS):
                histogram.add_metric(sample.labels, _cumulative(sample.buckets), sample.value)
        return histogram
    plain: CounterMetricFamily | GaugeMetricFamily
    if metric.kind == "counter":
        plain = CounterMetricFamily(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
    else:
        plain = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for sample in samples:
        plain.add_metric(sample.labels, sample.value)
    return plain


def _cumulative(buckets: Sequence[int]) -> list[tuple[str, float]]:
    total = 0
    found: list[tuple[str, float]] = []
    for bound, count in zip(_BOUNDS, buckets, strict=True):
        total += count
        found.append((bound, float(total)))
    return found

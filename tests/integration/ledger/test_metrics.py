"""/metrics: what it shows, and who may read it."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.control import Api, api, make_key, running_control
from turnpike.contract.metrics import METRICS, Sample
from turnpike.control.domains.admin.exposition import CONTROL_METRICS
from turnpike.control.drain import checks
from turnpike.control.drain.state import DrainState
from turnpike.settings import Settings


async def _samples(client: Api) -> dict[str, float]:
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{sample.name}{sorted(sample.labels.items()) or ''}": sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_relays_counters_and_controls_own_figures_are_shown(sqlite_settings: Settings) -> None:
    async with running_control(sqlite_settings) as services, api(services, None, host="control.test") as anyone:
        for relay in ("a", "b"):
            services.metrics.update(relay, [Sample("ai_gateway_total", (), 21)])
        services.drain = lambda: DrainState(rows=1234, torn=2, running=True)
        checks.register(services.health, services.drain)
        found = await _samples(anyone)
    assert found["ai_gateway_total"] == 42
    assert found["turnpike_relays"] == 2
    assert found["turnpike_ledger_rows_total"] == 1234
    assert found["turnpike_journal_damage_total[('kind', 'torn')]"] == 2
    assert found["turnpike_healthy[('check', 'ledger')]"] == 1
    assert found["process_resident_memory_bytes"] > 0
    assert "turnpike_database_connections[('state', 'idle')]" in found


async def test_every_defined_metric_has_its_help_and_type(sqlite_settings: Settings) -> None:
    async with running_control(sqlite_settings) as services, api(services) as operator:
        text = (await operator.get("/metrics")).text
    for metric in (*METRICS, *CONTROL_METRICS):
        assert f"# TYPE {metric.name} {metric.kind}" in text


@pytest.mark.parametrize(("scopes", "status"), [(["cluster:read"], 200), (["models:read"], 403), ([], 401)])
async def test_closed_metrics_take_the_scope(
    sqlite_settings: Settings, scopes: list[str], status: int, tmp_path: Path
) -> None:
    closed = sqlite_settings.model_copy(update={"metrics_open": False})
    async with running_control(closed) as services, api(services) as operator:
        key = (await make_key(operator, scopes=scopes))["key"] if scopes else None
        headers = {} if key else {"accept": "*/*"}
        async with api(services, key, **headers) as caller:
            assert (await caller.get("/metrics")).status_code == status

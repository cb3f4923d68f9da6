"""Control finds out what batches cost although their owners never ask again."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from tests.support.control import api, make_model, running_control
from tests.support.simulator import RunningSimulator
from turnpike.contract.events import Caller
from turnpike.contract.objects import BatchFacts, KeepObjects, ObjectsKept, OwnedObject
from turnpike.control.db.models import LedgerRow, OwnedObjectRow
from turnpike.control.domains.objects.batches import BatchCosts
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

LINE = (
    b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions",'
    b'"body":{"model":"sim","messages":[{"role":"user","content":"hello"}]}}'
)
PRICES = {"input": 1.0, "output": 2.0}
OWNER = Caller("key-1", "a key", "user-1", None)


async def _provider(services: ControlServices, simulator: RunningSimulator) -> str:
    async with api(services) as operator:
        body = {
            "vendor": "openai", "name": "Acme", "slug": "acme", "api_base_url": simulator.openai_url,
            "shared_api_key": "sk-acme-0123456789", "allow_addresses": ["127.0.0.1/32"],
        }  # fmt: skip
        provider = await operator.data("POST", "/api/v1/ai/providers", body)
        await make_model(operator, "acme", "asked", model_id="sim", capabilities=["chat"], price_override=PRICES)
    return provider["id"]


async def _own(services: ControlServices, provider_id: str, batch_id: str) -> None:
    """As a relay tells it, and due at once."""
    owned = OwnedObject(provider_id, "openai.batches", batch_id, OWNER, None, BatchFacts(1, (), ("asked",)), True)
    assert await services.objects.answer(KeepObjects(1, (owned,))) == ObjectsKept(1, ok=True)
    await _due(services)


async def _due(services: ControlServices) -> None:
    async with services.database.write() as session:
        for row in await session.scalars(select(OwnedObjectRow).where(OwnedObjectRow.usage_due_ms.is_not(None))):
            row.usage_due_ms = 1


def _batch(simulator: RunningSimulator) -> str:
    with httpx2.Client(base_url=simulator.openai_url, trust_env=False) as http:
        file = http.post("/files", files={"file": ("a", LINE)}, data={"purpose": "batch"}).json()["id"]
        body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return http.post("/batches", json=body).json()["id"]


async def _rows(services: ControlServices) -> list[Any]:
    async with services.database.read() as session:
        return list((await session.execute(select(LedgerRow.__table__))).mappings())


async def test_a_batch_is_asked_about_until_it_has_ended_and_written_once(
    settings: Settings, simulator: RunningSimulator
) -> None:
    async with running_control(settings) as services:
        provider_id = await _provider(services, simulator)
        batch_id = _batch(simulator)
        await _own(services, provider_id, batch_id)
        costs = BatchCosts(services.settings, services.database, services.sealer)
        try:
            assert await costs.look() == 0, "in progress"
            assert await costs.look() == 0, "not due again yet"
            await _due(services)
            assert await costs.look() == 1
            await _own(services, provider_id, batch_id)
            assert await costs.look() == 0, "nothing is due for it any more"
        finally:
            await costs.stop()
        (row,) = await _rows(services)

    assert (row["request_id"], row["model"], row["upstream_model"]) == (batch_id, "asked", "sim")
    assert (row["user_id"], row["key_id"]) == ("user-1", "key-1")
    assert (row["input_tokens"], row["output_tokens"], row["cost_nanousd"]) == (1, 12, 1 * 1000 + 12 * 2000)


async def test_two_processes_write_one_row(settings: Settings, simulator: RunningSimulator) -> None:
    async with running_control(settings) as services:
        provider_id = await _provider(services, simulator)
        batch_id = _batch(simulator)
        for _ in range(2):
            httpx2.get(f"{simulator.openai_url}/batches/{batch_id}", trust_env=False)
        await _own(services, provider_id, batch_id)
        both = [BatchCosts(services.settings, services.database, services.sealer) for _ in range(2)]
        try:
            await both[0].look()
            async with services.database.write() as session:
                (await session.scalars(select(OwnedObjectRow))).one().usage_due_ms = 1
            await both[1].look()
        finally:
            for each in both:
                await each.stop()
        rows = await _rows(services)

    assert len(rows) == 1


@pytest.mark.parametrize("gone", ["missing", "unreachable"])
async def test_a_provider_that_does_not_answer_is_asked_again_later(
    settings: Settings, simulator: RunningSimulator, gone: str
) -> None:
    async with running_control(settings) as services:
        provider_id = await _provider(services, simulator)
        if gone == "unreachable":
            async with api(services) as operator:
                body = {"api_base_url": "http://127.0.0.1:9/v1"}
                await operator.data("PATCH", f"/api/v1/ai/providers/{provider_id}", body)
        await _own(services, provider_id, "batch_nobody_knows")
        costs = BatchCosts(services.settings, services.database, services.sealer)
        try:
            assert await costs.look() == 0
        finally:
            await costs.stop()
        async with services.database.read() as session:
            row = (await session.scalars(select(OwnedObjectRow))).one()

    assert row.usage_due_ms is not None
    assert row.usage_due_ms > row.created_at_ms

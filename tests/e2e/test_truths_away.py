"""The database and Redis stop together for a whole minute under load, with limits and budgets in force."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.e2e.test_budgets import set_budget, wait_until_settled
from tests.support.accounts import assert_each_call_once, assert_totals_agree
from tests.support.databases import PostgresServer
from tests.support.installation import PATIENCE_S, Installation, add_models, chat, installation
from tests.support.redis import RedisServer, redis_server
from tests.support.simulator import RunningSimulator
from tests.support.spenders import Spenders

__all__ = ["redis_server"]
pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("truths away")]

AWAY_S = 60
WINDOW_S = 10
"""Slices of limits end with their window."""
CALLS = 1000
"""That the budget is worth."""


@dataclass
class Callers:
    """One key of each kind, all in use."""

    free: Spenders
    opened: Spenders
    closed: Spenders
    budgeted: Spenders

    @property
    def going_on(self) -> tuple[Spenders, ...]:
        return self.free, self.opened

    @property
    def all(self) -> tuple[Spenders, ...]:
        return self.free, self.opened, self.closed, self.budgeted


def callers_of(made: Installation) -> tuple[Callers, str]:
    """With the id of the budget."""
    port = made.gateway.facts["port"]

    def limited(name: str, on_unreachable: str) -> str:
        key = made.running.api("POST", "/keys", {"name": name})
        rule = {"subject": "key", "name": key["id"], "amount": 10_000, "window_s": WINDOW_S}
        made.running.api("PUT", "/limits", {**rule, "on_unreachable": on_unreachable})
        return key["key"]

    def calling(key: str, callers: int) -> Spenders:
        return Spenders(port, key, ("paced",), callers=callers)

    budgeted = calling("", 8)
    budgeted.key, budget = set_budget(made, CALLS * budgeted.cost_nanousd)
    free = made.running.create_key("free")
    return Callers(
        calling(free, 2), calling(limited("open", "open"), 2), calling(limited("closed", "closed"), 2), budgeted
    ), budget


async def refused_in_the_end(made: Installation, key: str, before: float) -> httpx2.Response:
    """One relay may still have what another has used up, and calls under way give back what they did not need."""
    while (answer := await asyncio.to_thread(chat, made.gateway.url, key, "paced", max_tokens=50)).status_code == 200:
        assert time.monotonic() < before, "what was lent lasts for ever"
    assert answer.status_code == 503, answer.text
    return answer


async def away_for_a_minute(made: Installation, callers: Callers) -> None:
    """What holds while neither the database nor Redis is there."""
    began = time.monotonic()
    before = [each.answered for each in callers.all]
    while not (callers.budgeted.ends["503 unavailable"] and callers.closed.ends["503 unavailable"]):
        assert time.monotonic() - began < AWAY_S - 10, [each.ends for each in callers.all]
        await asyncio.sleep(0.1)
    assert callers.budgeted.answered > before[3], "what was lent before is used"
    for key, word in ((callers.budgeted.key, "budget of this API key"), (callers.closed.key, "limit of this API key")):
        refused = await refused_in_the_end(made, key, before=began + AWAY_S - 10)
        assert int(refused.headers["retry-after"]) >= 1
        assert word in refused.text
    health = made.health()
    assert health["status"] == "degraded"
    assert health["checks"]["limits"] != "ok"
    late = [each.answered for each in callers.going_on]
    await asyncio.sleep(max(0.0, began + AWAY_S - time.monotonic()))
    for each, number in zip(callers.going_on, late, strict=True):
        assert each.answered > number, "who has no hard budget and no closed limit goes on to the end"


async def all_again(made: Installation, callers: Callers, before: list[int]) -> None:
    began = time.monotonic()
    while any(each.answered <= number for each, number in zip(callers.all, before, strict=True)):
        assert time.monotonic() - began < PATIENCE_S, ([each.ends for each in callers.all], made.log[-5000:])
        await asyncio.sleep(0.05)


def pids_of(made: Installation) -> list[int]:
    return sorted(pid for program in ("relay", "control", "control.drain") for pid in made.children(program))


async def test_a_minute_without_database_and_redis_loses_nothing_and_overruns_nothing(
    tmp_path: Path,
    upstream: RunningSimulator,
    own_postgres: PostgresServer,
    redis_server: RedisServer,
    upstream_ids: Callable[[], set[str]],
) -> None:
    env = {
        "TURNPIKE_DATABASE_URL": own_postgres.address(await asyncio.to_thread(own_postgres.create)),
        "TURNPIKE_LEASES": "redis",
        "TURNPIKE_REDIS_URL": f"unix://{redis_server.socket}",
    }
    with installation(tmp_path / "one", upstream, relays=2, env=env) as made:
        add_models(made.running, {"paced": "sim/pace=10ms"})
        callers, budget = callers_of(made)
        pids = pids_of(made)
        running = [asyncio.create_task(each.run(240)) for each in callers.all]
        while any(each.answered < 10 for each in callers.all):
            await asyncio.sleep(0.05)
        await asyncio.to_thread(redis_server.stop)
        await asyncio.to_thread(own_postgres.stop)
        try:
            await away_for_a_minute(made, callers)
        finally:
            before = [each.answered for each in callers.all]
            await asyncio.to_thread(redis_server.start)
            await asyncio.to_thread(own_postgres.start)
        await all_again(made, callers, before)
        assert pids_of(made) == pids, "nothing was restarted"
        rest = Spenders(made.gateway.facts["port"], callers.budgeted.key, ("paced",), callers=40)
        await asyncio.gather(rest.run(), running[3])
        for each in callers.all:
            each.stop = True
        await asyncio.gather(*running)
        assert all(set(each.ends) == {"answered"} for each in callers.going_on), [each.ends for each in callers.all]
        assert set(callers.closed.ends) == {"answered", "503 unavailable"}
        await assert_accounts(made, budget, upstream_ids, CALLS * callers.budgeted.cost_nanousd)


async def assert_accounts(
    made: Installation, budget: str, upstream_ids: Callable[[], set[str]], amount_nanousd: int
) -> None:
    spent = await asyncio.to_thread(wait_until_settled, made, budget)
    assert amount_nanousd * 99 // 100 <= spent <= amount_nanousd, (spent, amount_nanousd)
    rows = await asyncio.to_thread(made.wait_for_rows, upstream_ids())
    assert_each_call_once(rows, upstream_ids())
    assert_totals_agree(made.running, rows)

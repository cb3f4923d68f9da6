"""More calls than an installation has room for: the lowest tier is turned away first, the highest goes on, nobody
starves, all come back by themselves, and the metrics show it."""

import asyncio
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.support.crowd import Ended, asks, crowd_for
from tests.support.gateway import UPSTREAM_KEY, RunningGateway, running_gateway
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

SECONDS = 6.0
RESILIENCE = {"concurrency_max": 4, "queue_wait_s": 1.0, "queue_length": 60}
_SHOWN_S = 2.5
"""What is shown is up to two seconds old: figures before may still be of the load, or of the time before it."""
CALLERS = {"free": 60, "pro": 4, "enterprise": 2}


def metric(gateway: RunningGateway, name: str, tier: str = "") -> float:
    """Summed over its other labels; of one tier alone, where one is named."""
    response = httpx2.get(
        f"{gateway.url}/metrics", headers={"authorization": f"Bearer {gateway.admin_key}"}, timeout=20
    )
    assert response.is_success, response.text
    lines = re.findall(rf"^{name}(\{{.*?\}})? (\S+)$", response.text, re.MULTILINE)
    return sum(float(value) for labels, value in lines if not tier or f'tier="{tier}"' in labels)


def share_well(done: list[Ended]) -> float:
    return sum(each.status == 200 for each in done) / len(done)


async def test_the_lowest_tier_goes_first_and_all_come_back(tmp_path: Path, simulator: RunningSimulator) -> None:
    with running_gateway(tmp_path, simulator) as gateway:
        body = {"vendor": "openai", "name": "one", "slug": "one", "api_base_url": f"{simulator.url}/v1"}
        gateway.api(
            "POST", "/ai/providers", {**body, "shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"]}
        )
        gateway.api("PATCH", "/admin/resilience", RESILIENCE)
        for rule in gateway.api("GET", "/limits", subject="tier", per_page=100):
            facts = {name: rule[name] for name in ("subject", "name", "resource", "window_s") if rule[name]}
            gateway.api("PUT", "/limits", {**facts, "amount": 100_000_000})
        gateway.add_model("one", "busy", "sim/latency=100ms")
        port = urlsplit(gateway.url).port or 0
        asked = {tier: asks("busy", gateway.create_key(tier, tier=tier))[0] for tier in CALLERS}
        done = dict(
            zip(
                CALLERS,
                await asyncio.gather(
                    *(crowd_for(port, asked[tier], SECONDS, callers=number) for tier, number in CALLERS.items())
                ),
                strict=True,
            )
        )
        free, pro, enterprise = done["free"], done["pro"], done["enterprise"]
        assert {each.status for each in enterprise} == {200}, {each.code for each in enterprise}
        assert share_well(pro) > share_well(free)
        turned_away = [each for each in free if each.status != 200]
        assert {(each.status, each.code) for each in turned_away} == {(503, "OVERLOADED")}
        assert len(turned_away) > len(free) / 3
        assert sum(each.status == 200 for each in free) > 5, "nobody starves"
        await comes_back(gateway)
        assert metric(gateway, "turnpike_shed_total", "free") > metric(gateway, "turnpike_shed_total", "pro")
        assert metric(gateway, "turnpike_shed_total", "enterprise") == 0
        assert metric(gateway, "turnpike_queued_total", "enterprise") > 0
        (again,) = await crowd_for(port, asked["free"], 0.01, callers=1)
        assert again.status == 200


async def comes_back(gateway: RunningGateway) -> None:
    """The level falls step by step and does not rise again."""
    await asyncio.sleep(_SHOWN_S)
    levels: list[float] = []
    until = time.monotonic() + 25
    while not levels or levels[-3:] != [0.0] * 3:
        levels.append(await asyncio.to_thread(metric, gateway, "turnpike_shed_level"))
        assert time.monotonic() < until, levels
        await asyncio.sleep(0.5)
    assert levels == sorted(levels, reverse=True), levels

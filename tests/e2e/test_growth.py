"""Thousands of calls leave nothing behind: no memory, no descriptor, no journal."""

import asyncio
from pathlib import Path

import httpx2

from tests.support.installation import Installation, add_models, installation, open_files, rss_bytes, until
from tests.support.rush import rush
from tests.support.simulator import RunningSimulator

WARM_UP, CALLS = 1500, 4000
GROWTH_BYTES = 4 * 2**20
"""What a relay may have more after 4,000 calls than after its warm-up: 1 KiB a call would already be too much."""
SEGMENT_BYTES = 256 * 1024


def connections(pid: int) -> int:
    return sum(name.startswith("socket:") for name in open_files(pid))


def segments(made: Installation) -> int:
    return len(list((made.folder / "journal").rglob("*.seg")))


def rows(made: Installation) -> int:
    headers = {"authorization": f"Bearer {made.admin_key}"}
    answer = httpx2.get(f"{made.gateway.url}/api/v1/ledger", params={"per_page": 1}, headers=headers, timeout=30)
    return answer.json()["meta"]["totals"]["requests"]


async def test_a_relay_does_not_grow_with_the_calls_that_it_served(tmp_path: Path, upstream: RunningSimulator) -> None:
    env = {"TURNPIKE_JOURNAL_SEGMENT_BYTES": str(SEGMENT_BYTES)}
    with installation(tmp_path / "one", upstream, env=env) as made:
        add_models(made.running, {"m": "simulator"})
        key = made.running.create_key("rush")
        (relay,) = made.children("relay")
        port = made.gateway.facts["port"]
        await rush(port, key, "m", WARM_UP)
        await asyncio.to_thread(until, lambda: rows(made) >= WARM_UP, "the warm-up is in the ledger")
        before = rss_bytes(relay), len(open_files(relay)), connections(relay)

        await rush(port, key, "m", CALLS)
        await asyncio.to_thread(until, lambda: rows(made) == WARM_UP + CALLS, "every call is in the ledger")
        assert rss_bytes(relay) - before[0] < GROWTH_BYTES
        # Connections of callers end with them; a few to the upstream and to control are kept.
        await asyncio.to_thread(until, lambda: connections(relay) <= before[2] + 2, "no connection is left open")
        await asyncio.to_thread(until, lambda: len(open_files(relay)) <= before[1] + 3, "no descriptor is left open")
        # The calls took many segments; what is left are the one in use and the one that is ready.
        await asyncio.to_thread(until, lambda: segments(made) <= 2, "drained segments are deleted")
        names = [path.name for path in (made.folder / "journal").rglob("*.seg")]
        assert max(int(name.partition(".")[0]) for name in names) > 4, "more than four segments were written"
        assert made.children("relay") == [relay], "it is the same process"

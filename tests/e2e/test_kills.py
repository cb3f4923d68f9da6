"""kill -9 of each process under load, at moments that chance chooses: no call is lost, none is counted twice."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from tests.support.accounts import assert_each_call_once, assert_settled, assert_totals_agree
from tests.support.gateway import wait_for
from tests.support.installation import PATIENCE_S, Installation, add_models, installation, is_alive, until
from tests.support.load import Kind, Load
from tests.support.simulator import RunningSimulator

MODELS = {"quick": "simulator", "slow": "sim/pace=10ms"}
KINDS = (
    Kind("/v1/chat/completions", "quick", stream=False),
    Kind("/v1/chat/completions", "slow", stream=True),
    Kind("/v1/messages", "slow", stream=True),
    Kind("/v1/messages", "quick", stream=False),
    Kind("/v1/chat/completions", "quick", stream=True),
)


def kill_supervisor(made: Installation) -> None:
    """Its children must end by themselves; then the same folder is served again."""
    drain = wait_for("a drain", lambda: made.children("control.drain") or None, PATIENCE_S)
    children = [*made.children("relay"), *made.children("control"), *drain]
    assert len(children) == 4
    made.kill()
    until(lambda: not any(is_alive(pid) for pid in children), "the children of a killed supervisor end")
    made.start()


def kill_both_relays(made: Installation) -> None:
    pids = wait_for("two relays", lambda: found if len(found := made.children("relay")) == 2 else None, PATIENCE_S)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


async def kill_each(made: Installation, load: Load, chance: random.Random) -> None:
    """Each kind of death once or more, in any order; after each the gateway is at work again without help."""
    deaths: list[Callable[[], object]] = [
        lambda: made.kill_one("relay"),
        lambda: made.kill_one("control"),
        lambda: made.kill_one("control.drain"),
        lambda: made.kill_one("control.drain"),
        lambda: kill_both_relays(made),
        lambda: kill_supervisor(made),
    ]
    chance.shuffle(deaths)
    for death in deaths:
        await load.more_whole(25)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await asyncio.to_thread(death)
    await load.more_whole(25)


async def test_a_kill_at_any_moment_neither_loses_nor_doubles_a_call(
    tmp_path: Path,
    upstream: RunningSimulator,
    upstream_ids: Callable[[], set[str]],
    database_env: dict[str, str],
) -> None:
    seed = int(os.environ.get("TURNPIKE_TEST_SEED") or random.randrange(10**6))
    with installation(tmp_path / "one", upstream, relays=2, env=database_env) as made:
        add_models(made.running, MODELS)
        key = made.running.create_key("load")
        async with Load(made.running.url, key, KINDS) as load:
            await kill_each(made, load, random.Random(seed))
        print(f"seed {seed}: {dict(load.ends)}")  # noqa: T201 - shown when the test fails
        await asyncio.to_thread(made.wait_until_well)
        rows = await asyncio.to_thread(made.wait_for_rows, upstream_ids() | {each.request_id for each in load.whole()})
        assert_each_call_once(rows, upstream_ids())
        assert_settled(rows, load)
        assert_totals_agree(made.running, rows)
        # The kills did hit calls that were running, or this test has shown nothing.
        assert sum(row["outcome"] == "interrupted" for row in rows) > 0
        assert made.stop() == 0
        assert list((made.folder / "journal").iterdir()) == [], "nothing waits for the ledger after an end in order"
        assert made.exported() == rows, "read without a server"

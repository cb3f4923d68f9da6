"""Budgets hold exactly, at four relays under load, whatever is killed."""

import asyncio
from pathlib import Path
from typing import Any

from tests.support.installation import Installation, add_models, installation, until
from tests.support.simulator import RunningSimulator
from tests.support.spenders import Spenders

MODELS = {"quick": "simulator", "slow": "sim/pace=2ms"}


def nanousd(usd: str) -> int:
    whole, _, rest = usd.partition(".")
    return int(whole) * 10**9 + int(rest.ljust(9, "0"))


def set_budget(made: Installation, amount_nanousd: int, **more: Any) -> tuple[str, str]:
    """A key and the id of its budget."""
    running = made.running
    created = running.api("POST", "/keys", {"name": "spender"})
    amount = f"{amount_nanousd // 10**9}.{amount_nanousd % 10**9:09d}"
    body = {"kind": "key", "subject": created["id"], "amount_usd": amount, "period": "total", **more}
    return created["key"], running.api("POST", "/budgets", body)["id"]


def shown(made: Installation, budget_id: str) -> dict[str, Any]:
    return made.running.api("GET", f"/budgets/{budget_id}")


def ledger_sum(made: Installation) -> int:
    return sum(row["cost_nanousd"] or 0 for row in made.rows() if row["key_name"] == "spender")


def wait_until_settled(made: Installation, budget_id: str) -> int:
    """What is spent once nothing is lent any more and the ledger has it all."""
    until(lambda: not shown(made, budget_id)["holders"], "nothing is lent any more", 90)
    spent = nanousd(shown(made, budget_id)["spent_usd"])
    assert ledger_sum(made) == spent, "the counter is the sum of its rows, to the nano-dollar"
    return spent


async def test_four_relays_spend_a_budget_to_its_end_and_never_beyond(
    tmp_path: Path, upstream: RunningSimulator, database_env: dict[str, str]
) -> None:
    with installation(tmp_path / "one", upstream, relays=4, env=database_env) as made:
        add_models(made.running, MODELS)
        calls = 1000 if not database_env else 500
        spenders = Spenders(made.gateway.facts["port"], "", tuple(MODELS))
        amount = calls * spenders.cost_nanousd
        spenders.key, budget = set_budget(made, amount)
        running = asyncio.create_task(spenders.run())
        while spenders.answered < calls // 3:
            await asyncio.sleep(0.01)
            assert not running.done()
        await asyncio.to_thread(made.kill_one, "relay")
        await running
        print(dict(spenders.ends))  # noqa: T201 - shown when the test fails
        spent = await asyncio.to_thread(wait_until_settled, made, budget)
        assert amount * 99 // 100 <= spent <= amount, (spent, amount)

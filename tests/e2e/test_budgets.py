"""Budgets hold exactly, at four relays under load, whatever is killed."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from tests.support.installation import Installation, add_models, installation, until
from tests.support.simulator import RunningSimulator
from tests.support.spenders import Spenders
from turnpike.kit.crypto import random_text

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


@contextmanager
def machines(folder: Path, upstream: RunningSimulator, env: dict[str, str]) -> Iterator[list[Installation]]:
    """Four relays: of one machine on SQLite, of two on one PostgreSQL."""
    with ExitStack() as stack:
        if not env:
            made = [stack.enter_context(installation(folder / "one", upstream, relays=4))]
        else:
            secrets = {
                "TURNPIKE_SECRET_KEYS": Fernet.generate_key().decode(),
                "TURNPIKE_KEY_PEPPER": random_text(384),
            }
            one = stack.enter_context(installation(folder / "one", upstream, relays=2, env={**env, **secrets}))
            two = installation(folder / "two", upstream, relays=2, env={**env, **secrets}, admin_key=one.admin_key)
            made = [one, stack.enter_context(two)]
        add_models(made[0].running, MODELS)
        for each in made:
            for name in MODELS:
                each.running.wait_for_model(name)
        yield made


async def test_four_relays_spend_a_budget_to_its_end_and_never_beyond_whatever_is_killed(
    tmp_path: Path, upstream: RunningSimulator, database_env: dict[str, str]
) -> None:
    with machines(tmp_path, upstream, database_env) as made:
        calls = 500 if database_env else 1000
        callers = 200 // len(made)
        spenders = [Spenders(each.gateway.facts["port"], "", tuple(MODELS), callers=callers) for each in made]
        amount = calls * spenders[0].cost_nanousd
        key, budget = set_budget(made[0], amount)
        for each in spenders:
            each.key = key
        running = [asyncio.create_task(each.run()) for each in spenders]
        for place, (program, part) in enumerate((("relay", 4), ("control", 2))):
            while sum(each.answered for each in spenders) < calls // part:
                await asyncio.sleep(0.01)
                assert not all(task.done() for task in running)
            await asyncio.to_thread(made[place % len(made)].kill_one, program)
        await asyncio.gather(*running)
        print([dict(each.ends) for each in spenders])  # noqa: T201 - shown when the test fails
        spent = await asyncio.to_thread(wait_until_settled, made[0], budget)
        assert amount * 99 // 100 <= spent <= amount, (spent, amount)

"""A moderation model asked through the relay: costed, bounded in time, in nobody else's way, right after kill -9."""

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.support.guarding import asking, policy, repeating
from tests.support.relay_process import INPUT_NANOUSD, Stage, running_stage
from tests.support.upstream import Received, Wire, answer, serving
from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.events import Outcome, UsageEvent
from turnpike.contract.periods import Span
from turnpike.contract.policies import GuardSpec, PolicySpec
from turnpike.contract.snapshot import OperationSpec

MODERATION = {"moderation": (OperationSpec("openai_moderations", "/moderations"),)}
HELD = "held"


def moderating(wait_s: float = 0.0) -> Any:
    """A provider's model that flags what says `violence`."""

    async def step(wire: Wire, received: Received) -> None:
        await asyncio.sleep(wait_s)
        texts = received.json()["input"]
        flagged = any("violence" in text for text in texts)
        result = {"flagged": flagged, "categories": {"violence": flagged}, "category_scores": {"violence": 0.9}}
        usage = {"prompt_tokens": 11, "total_tokens": 11}
        await wire.write(answer({"id": "m", "model": "m", "results": [result], "usage": usage}))

    return step


async def moderated(stage: Stage, upstream: Any, **facts: Any) -> PolicySpec:
    """A policy for one department, and the model that it asks."""
    name = await stage.model(
        upstream,
        name="moderator",
        provider={"operations": MODERATION},
        capabilities=("moderation",),
        operations=("moderation",),
    )
    made = policy(GuardSpec("mod", "moderation", "block", "prompt", model=name), departments=(HELD,), **facts)
    await stage.change(guard_policies=(made,))
    return made


async def test_what_it_flags_is_refused_and_each_question_is_a_row_of_the_callers(tmp_path: Path) -> None:
    async with running_stage(tmp_path) as stage, serving(moderating()) as asked, serving(repeating("ok")) as upstream:
        await moderated(stage, asked)
        model = await stage.model(upstream)
        key = stage.key(department_id=HELD)
        refused = await stage.ask(*asking("openai_chat", model, "some violence"), key=key)
        passed = await stage.ask(*asking("anthropic_messages", model, "some calm"), key=key)
        assert (refused.status, passed.status) == (400, 200)
        assert refused.code == "POLICY_REFUSED"
        assert b"violence" in refused.body
        assert len(upstream.requests) == 1
        assert asked.requests[0].json()["input"] == ["some violence"]
        rows = stage.settles(refused.headers["x-request-id"])
        assert [(row.model_asked, row.outcome) for row in rows] == [
            ("moderator", Outcome.OK),
            (model, Outcome.REFUSED),
        ]
        used = rows[0].usage
        assert used is not None
        assert [row.cost_nanousd for row in rows] == [used.input_tokens * INPUT_NANOUSD, 0]
        assert used.input_tokens > 0
        assert rows[0].caller.key_id == rows[1].caller.key_id


async def test_its_cost_is_charged_to_whatever_the_callers_is(tmp_path: Path) -> None:
    own = BudgetSpec("01890a5d-ac96-774b-bcce-b302099a8057", "key", "k", "own", 10**9, Span("total"), hard=False)
    tag = BudgetSpec("01890a5d-ac96-774b-bcce-b302099a8058", "tag", "t", "tag", 10**9, Span("total"), hard=False)
    async with running_stage(tmp_path) as stage, serving(moderating()) as asked, serving(repeating("ok")) as upstream:
        await moderated(stage, asked)
        model = await stage.model(upstream)
        await stage.change(budgets=(tag,))
        key = stage.key(department_id=HELD, budgets=(own,))
        passed = await stage.ask(
            *asking("openai_chat", model, "some calm"), key=key, headers=[("x-turnpike-tags", "t")]
        )
        question, call = stage.settles(passed.headers["x-request-id"])
        assert (question.model_asked, call.model_asked) == ("moderator", model)
        assert question.cost_nanousd
        assert len(call.charged) == 2
        assert question.charged == call.charged


async def test_one_that_does_not_answer_holds_up_nobody_else_and_ends_in_time(tmp_path: Path) -> None:
    async with (
        running_stage(tmp_path, guard_timeout_s=0.5) as stage,
        serving(moderating(30.0)) as asked,
        serving(repeating("ok")) as upstream,
    ):
        await moderated(stage, asked)
        model = await stage.model(upstream)
        held, free = stage.key(department_id=HELD), stage.key()
        began = time.monotonic()
        waiting = asyncio.ensure_future(stage.ask(*asking("openai_chat", model, "calm"), key=held))
        while not asked.requests:
            await asyncio.sleep(0.01)
        other = await stage.ask(*asking("openai_chat", model, "calm"), key=free)
        assert other.status == 200
        assert not waiting.done()
        refused = await waiting
        assert refused.status == 400
        assert b"could not be asked" in refused.body
        assert time.monotonic() - began < 15
        assert len(upstream.requests) == 1
        rows = stage.settles(refused.headers["x-request-id"])
        assert {row.outcome for row in rows} == {Outcome.CANCELLED, Outcome.REFUSED}
        await moderated_open(stage)
        opened = await stage.ask(*asking("openai_chat", model, "calm"), key=held)
        assert opened.status == 200


async def moderated_open(stage: Stage) -> None:
    (made,) = stage.control.snapshot.guard_policies
    await stage.change(guard_policies=(policy(*made.guards, departments=made.departments, fail_closed=False),))


async def test_after_kill_9_while_it_is_asked_only_its_own_call_is_open(tmp_path: Path) -> None:
    """Nothing of the guarded call went anywhere, so nothing of it is charged; the question is."""
    async with (
        running_stage(tmp_path) as stage,
        serving(moderating(30.0)) as asked,
        serving(repeating("ok")) as upstream,
    ):
        await moderated(stage, asked)
        model = await stage.model(upstream)
        key = stage.key(department_id=HELD)
        waiting = asyncio.ensure_future(stage.ask(*asking("openai_chat", model, "calm"), key=key))
        while not asked.requests:
            await asyncio.sleep(0.01)
        await stage.relay.kill()
        await asyncio.wait({waiting})
        opens = stage.opens()
        assert [each.model_asked for each in opens] == ["moderator"]
        assert not [each for each in stage.relay.records() if isinstance(each, UsageEvent)]
        assert upstream.requests == []
        # The relay that the supervisor would start takes the same calls again.
        await stage.relay.start()
        assert (await stage.ask(*asking("openai_chat", model, "calm"))).status == 200
        waiting.exception()
        stage.relay.journal_dir.rename(tmp_path / "seen")
        stage.relay.journal_dir.mkdir()

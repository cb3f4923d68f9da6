"""Names and places: a real relay, the real worker, Presidio over a spaCy model that is loaded from disk."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.integration.guards.test_gateway import command
from tests.integration.guards.test_relay import decisions_of, streamed_text
from tests.support.gateway import SIDES, RunningGateway, register_simulator, running_gateway, wait_for
from tests.support.guarding import FORMS, asking, pii, policy, repeating, said_in
from tests.support.naming import Worker, make_model, needs_spacy, worker_at
from tests.support.relay_process import Stage, running_stage
from tests.support.simulator import running_simulator
from tests.support.upstream import serving
from turnpike.contract.events import Outcome
from turnpike.contract.policies import GuardSpec
from turnpike.kit.files import process_lives

pytestmark = needs_spacy
in_the_module = pytest.mark.asyncio(loop_scope="module")
TEXT = "Ada Lovelace of Initech went to Paris"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory, model: Path) -> AsyncIterator[Worker]:
    async with worker_at(tmp_path_factory.mktemp("worker") / "w.sock") as running:
        await running.start({"en": str(model)})
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    async with running_stage(folder, worker_socket=str(worker.path), guard_timeout_s=10.0) as running:
        yield running


def names(action: str, **facts: Any) -> GuardSpec:
    return GuardSpec("names", "names", action, "prompt", **facts)


@pytest.mark.parametrize("form", FORMS)
@in_the_module
async def test_names_are_masked_in_every_form(stage: Stage, form: str) -> None:
    await stage.change(guard_policies=(policy(names("mask")),))
    async with serving(repeating()) as upstream:
        path, body = asking(form, await stage.model(upstream), TEXT)
        answered = await stage.ask(path, body)
        assert answered.status == 200, answered.body
        assert said_in(upstream.requests[0].json()) == "[PERSON] of Initech went to [LOCATION]"
    assert sorted(decisions_of(stage, answered)) == [
        ("location", "mask", "prompt", 1),
        ("person", "mask", "prompt", 1),
    ]


@pytest.mark.parametrize("form", ["openai_chat", "anthropic_messages"])
@in_the_module
async def test_names_come_back_in_a_streamed_answer(stage: Stage, form: str) -> None:
    guards = (pii("restore", "prompt"), names("restore", detect=("person", "location", "organization")))
    await stage.change(guard_policies=(policy(*guards),))
    said = f"{TEXT}; write to ada@example.com. " * 3
    async with serving(repeating()) as upstream:
        path, body = asking(form, await stage.model(upstream), said, stream=True)
        answered = await stage.ask(path, body)
        sent = said_in(upstream.requests[0].json())
    assert "Lovelace" not in sent
    assert "Initech" not in sent
    assert "[EMAIL_1]" in sent
    assert "[PERSON_1]" in sent
    assert streamed_text(form, answered) == said


@in_the_module
async def test_names_in_arguments_of_tools_stay_json(stage: Stage) -> None:
    await stage.change(guard_policies=(policy(names("mask")),))
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"who": "Grace Hopper", "n": 12}'}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "user", "content": "go on"}]
    async with serving(repeating("ok")) as upstream:
        body = {"model": await stage.model(upstream), "messages": messages}
        assert (await stage.ask("/v1/chat/completions", body)).status == 200
        sent = upstream.requests[0].json()["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"who": "[PERSON]", "n": 12}


@in_the_module
async def test_a_blocked_name_is_refused_unless_it_is_allowed(stage: Stage) -> None:
    allowed = GuardSpec("ours", "terms", "allow", terms=("grace hopper",))
    await stage.change(guard_policies=(policy(allowed, names("block", detect=("person",))),))
    async with serving(repeating("ok")) as upstream:
        model_name = await stage.model(upstream)
        refused = await stage.ask(*asking("openai_chat", model_name, TEXT))
        passed = await stage.ask(*asking("openai_chat", model_name, "Grace Hopper in Paris"))
        assert len(upstream.requests) == 1
    assert (refused.status, refused.code) == (400, "POLICY_REFUSED")
    assert b"person" in refused.body
    assert b"Lovelace" not in refused.body
    assert passed.status == 200
    settled = stage.settled(refused)
    assert (settled.outcome, settled.cost_nanousd) == (Outcome.REFUSED, 0)


@in_the_module
async def test_a_long_text_is_looked_at_to_its_end(stage: Stage) -> None:
    await stage.change(guard_policies=(policy(names("mask")),))
    said = "nothing to see here. " * 3000 + TEXT
    async with serving(repeating("ok")) as upstream:
        assert (await stage.ask(*asking("openai_chat", await stage.model(upstream), said))).status == 200
        assert said_in(upstream.requests[0].json()).endswith("[PERSON] of Initech went to [LOCATION]")


@pytest.mark.parametrize("closed", [True, False])
@in_the_module
async def test_a_worker_that_does_not_answer_closes_or_opens_as_the_policy_says(
    tmp_path: Path, model: Path, closed: bool
) -> None:
    """Nobody takes the connection: as while a worker starts, hangs, or has no model."""
    async with (
        worker_at(tmp_path / "w.sock") as silent,
        running_stage(tmp_path, worker_socket=str(silent.path), guard_timeout_s=0.3) as alone,
        serving(repeating("ok")) as upstream,
    ):
        await alone.change(guard_policies=(policy(names("mask"), fail_closed=closed),))
        name = await alone.model(upstream)
        answers = await asyncio.gather(*(alone.ask(*asking("openai_chat", name, TEXT)) for _ in range(3)))
        assert [each.status for each in answers] == [400 if closed else 200] * 3
        if closed:
            assert b"names could not be looked for" in answers[0].body
            assert decisions_of(alone, answers[0]) == [("unchecked", "mask", "prompt", 1)]
            await silent.start({"en": str(model)})
            await alone.change(guard_policies=(policy(names("mask"), name="later"),))
            assert (await _until_answered(alone, name)).status == 200


async def _until_answered(stage: Stage, name: str) -> Any:
    """The worker takes a moment to load its model."""
    for _ in range(60):
        answered = await stage.ask(*asking("openai_chat", name, TEXT))
        if answered.status == 200:
            return answered
        await asyncio.sleep(0.1)
    raise AssertionError("the worker never answered")


@in_the_module
async def test_a_worker_without_its_model_says_so_and_fails_closed(tmp_path: Path) -> None:
    async with (
        worker_at(tmp_path / "w.sock") as broken,
        running_stage(tmp_path, worker_socket=str(broken.path)) as alone,
        serving(repeating("ok")) as upstream,
    ):
        (tmp_path / "no-model").mkdir()
        await broken.start({"en": str(tmp_path / "no-model")})
        await alone.change(guard_policies=(policy(names("mask")),))
        refused = await alone.ask(*asking("openai_chat", await alone.model(upstream), TEXT))
        assert refused.status == 400
        assert "names cannot be found" in broken.log.read_text()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    settings = {"TURNPIKE_NAMES_MODELS": f"en={model}"}
    with running_simulator() as simulator, running_gateway(folder, simulator, settings=settings) as running:
        register_simulator(running)
        yield running


def workers_of(gateway: RunningGateway) -> list[int]:
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children if process_lives(int(pid))}
    return [pid for pid, line in lines.items() if b"turnpike.worker" in line]


def test_the_worker_is_started_by_a_policy_and_restarted_when_it_dies(gateway: RunningGateway) -> None:
    assert workers_of(gateway) == []
    made = command(gateway, "policies", "set", "people", "--names", "mask")
    assert made.returncode == 0, made.stderr

    def sent() -> str | None:
        body = {"model": SIDES["openai_chat"].model, "messages": [{"role": "user", "content": TEXT}]}
        headers = {"authorization": f"Bearer {gateway.admin_key}"}
        answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20)
        if answer.status_code != 200:
            return None
        said = json.dumps(gateway.upstream_call(answer.headers["x-request-id"]))
        return said if "Lovelace" not in said else None

    assert "[PERSON] of Initech went to [LOCATION]" in wait_for("names are masked", sent, 20)
    (first,) = workers_of(gateway)
    os.kill(first, 9)
    wait_for("another worker", lambda: [pid for pid in workers_of(gateway) if pid != first] or None, 20)
    wait_for("names are masked again", sent, 20)
